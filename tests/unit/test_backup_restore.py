"""What comes back from a backup, and what is refused before anything of the box is touched."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hems import HemsError
from hems.backup import BackupError, gather, put_back, restore
from hems.backup.influx import Figures

from tests.unit.backup_world import World, make


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a box whose destination is a rest-server."""
    return make(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def quiet(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep away from this machine's own services and directories."""
    monkeypatch.setattr(restore, "FETCHED", world.top / "state/restore")
    monkeypatch.setattr(restore, "ROOT", "somebody else")
    monkeypatch.setattr(restore, "_renew", lambda _say: None)


def test_a_part_comes_back_as_it_was_and_what_was_there_is_kept(world: World) -> None:
    world.once()
    file = world.top / "part/a"
    file.write_text("spoilt by somebody")
    (world.top / "part/new").write_text("since then")
    lines: list[str] = []
    restore.parts(world.this, ["part"], "", lines.append)
    assert file.read_text() == "content" and not (world.top / "part/new").exists()
    before = world.top / "part" / put_back.BEFORE
    assert (before / "a").read_text() == "spoilt by somebody"
    assert (before / "new").read_text() == "since then"
    assert not restore.FETCHED.exists()
    world.once()
    newest = list(world.restic.stored.values())[-1]["part.tar"]
    with tarfile.open(fileobj=io.BytesIO(newest)) as tar:
        assert tar.getnames() == ["a"], "what was kept is no part of the next backup"


def test_a_damaged_one_is_refused_and_the_next_older_one_offered(world: World) -> None:
    world.once()
    world.once()
    world.restic.spoil = "part.tar"
    (world.top / "part/a").write_text("now")
    with pytest.raises(BackupError) as told:
        restore.parts(world.this, ["part"], "", lambda _line: None)
    older = next(iter(world.restic.stored))[:8]
    assert "is damaged (part.tar is not as it was). The next older one is of" in str(told.value)
    assert str(told.value).endswith(f"add '--id {older}'.")
    assert (world.top / "part/a").read_text() == "now", "nothing was touched"
    assert not restore.FETCHED.exists()


def test_a_truncated_one_is_refused_too_and_says_when_it_is_the_only_one(world: World) -> None:
    world.once()
    [content] = world.restic.stored.values()
    content["manifest.json"] = content["manifest.json"][:40]
    with pytest.raises(BackupError, match=r"no list of its content .*There is no older one\.$"):
        restore.parts(world.this, ["part"], "", lambda _line: None)


def test_what_a_backup_lacks_can_not_come_from_it(world: World) -> None:
    world.influx.problem = "InfluxDB does not answer."
    with pytest.raises(BackupError):
        world.once()
    with pytest.raises(BackupError, match="This backup lacks history"):
        restore.parts(world.this, ["history"], "", lambda _line: None)


class Counting:
    """An InfluxDB that has so many readings after each of its restores."""

    bucket = "home_assistant"

    def __init__(self, *counts: int) -> None:
        self.counts = list(counts)

    def figures(self, _bucket: str, until: int) -> Figures:
        """Count them."""
        return Figures(until, {"W count_value": self.counts.pop(0)})


@pytest.mark.parametrize(
    ("counts", "last"),
    [((3,), "3 values of readings are back"), ((2, 3), "3 values of readings are back")],
)
def test_readings_are_put_back_until_they_are_those_of_the_backup(
    world: World, monkeypatch: pytest.MonkeyPatch, counts: tuple[int, ...], last: str
) -> None:
    influx, put, said = Counting(*counts), list[Path](), list[str]()
    told = answering(world, monkeypatch, influx, put)
    restore._readings(told, manifest(), said.append)
    assert last in said[-1] and len(put) == len(counts) and not influx.counts


def test_readings_that_do_not_come_back_are_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put: list[Path] = []
    told = answering(world, monkeypatch, Counting(2, 2), put)
    with pytest.raises(BackupError, match="counts or sums differ"):
        restore._readings(told, manifest(), lambda _line: None)
    assert len(put) == restore.TRIES


def manifest() -> gather.Manifest:
    """Return that of a backup with three readings."""
    return gather.Manifest("", "", "", "", {}, {}, Figures(1, {"W count_value": 3}))


def answering(
    world: World, monkeypatch: pytest.MonkeyPatch, influx: Counting, put: list[Path]
) -> Any:
    """Return a box whose readings come from ``influx``; each restore is entered in ``put``."""
    monkeypatch.setattr(restore, "restored", lambda _this: influx)
    monkeypatch.setattr(restore, "secret", lambda _this, _name: "")
    monkeypatch.setattr(
        restore.readings, "replace", lambda _influx, _settings, place, _account: put.append(place)
    )
    this = world.this
    this.appliance.accounts = SimpleNamespace(influxdb="hems")
    return this


def test_no_room_is_said_before_anything_is_fetched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.once()
    monkeypatch.setattr(restore.run, "free", lambda _place: 1000)
    with pytest.raises(HemsError, match="The restore needs"):
        restore.parts(world.this, ["part"], "", lambda _line: None)


def test_an_id_that_is_none_is_told(world: World) -> None:
    world.once()
    with pytest.raises(BackupError, match="There is no backup beef"):
        restore.parts(world.this, ["part"], "beef", lambda _line: None)


def test_nothing_leaves_the_directory_of_a_part(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../outside"))
    out.seek(0)
    top = tmp_path / "top"
    top.mkdir()
    with pytest.raises(tarfile.TarError):
        put_back.put_back(top, (), out)
    assert not (tmp_path / "outside").exists()


def test_what_is_excluded_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    (tmp_path / "old").write_text("x")
    put_back.put_back(tmp_path, ("backups",), None)
    assert sorted(path.name for path in tmp_path.iterdir()) == [put_back.BEFORE, "backups"]


def test_an_interrupted_one_loses_nothing_and_is_finished_by_the_next(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    (top / "a").write_text("original")
    (top / "b").mkdir()
    with pytest.raises(tarfile.TarError):
        put_back.put_back(top, (), io.BytesIO(b"no archive"))
    (top / "a").write_text("half of the restored one")
    (top / "b").mkdir()
    put_back.put_back(top, (), None)
    before = top / put_back.BEFORE
    assert (before / "a").read_text() == "original"
    assert sorted(path.name for path in before.iterdir()) == ["a", "b"]
    assert [path.name for path in top.iterdir()] == [put_back.BEFORE]
