"""One backup from begin to end, with a destination of the test's own."""

from __future__ import annotations

import getpass
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hems.backup import BackupError, gather, run, status
from hems.backup.core import Copy, Snapshot
from hems.backup.influx import Figures
from hems.backup.settings import Backup, Influxdb, Keep, Part

ME = getpass.getuser()


@dataclass
class FakeInflux:
    """An InfluxDB that gives one file, or an error."""

    problem: str = ""

    def back_up(self, directory: Path, now: int) -> Figures:
        """Write the copy."""
        directory.mkdir()
        (directory / "1.tar").write_text("points")
        if self.problem:
            raise BackupError(self.problem)
        return Figures(now, {"W count_value": 3})


@dataclass
class FakeRestic:
    """A destination in memory."""

    here: str = ""
    stored: dict[str, dict[str, bytes]] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)
    did: list[str] = field(default_factory=list)
    spoil: str = ""  # a file that the destination does not keep as it was

    def id(self) -> str:
        return self.here

    def begin(self) -> None:
        self.here = "repository-1"

    def add(self, directory: Path, host: str, made: datetime) -> str:
        name = f"{len(self.stored):064x}"
        self.stored[name] = {
            str(path.relative_to(directory)): path.read_bytes()
            for path in directory.rglob("*")
            if path.is_file()
        }
        self.times[name] = made
        self.did.append(f"add {host}")
        return name

    def snapshots(self, _host: str) -> list[Snapshot]:
        return [Snapshot(name, self.times[name], 1) for name in self.stored]

    def check(self) -> None:
        self.did.append("check")

    def unlock(self) -> None:
        self.did.append("unlock")

    def forget(self, host: str) -> None:
        self.did.append(f"forget {host}")

    def text(self, snapshot: str, path: Path) -> bytes:
        return self.stored[snapshot][path.name]

    def copies(self, snapshot: str, directory: Path) -> dict[str, Copy]:
        assert directory == run.STAGING
        found = gather.copies(directory) if directory.exists() else {}
        for name, content in self.stored[snapshot].items():
            digest = hashlib.sha256(b"spoilt" if name == self.spoil else content).hexdigest()
            found[name] = Copy(len(content), digest)
        return found


@dataclass
class World:
    """A box with one part, and what it talks to."""

    top: Path
    settings: Backup
    restic: FakeRestic = field(default_factory=FakeRestic)
    influx: FakeInflux = field(default_factory=FakeInflux)

    @property
    def state(self) -> Path:
        return self.top / "state"

    def once(self) -> None:
        site = SimpleNamespace(name="A house", hostname="hems-a")
        paths = SimpleNamespace(lock=self.top / "hems.lock")
        this: Any = SimpleNamespace(
            appliance=SimpleNamespace(site=site, paths=paths),
            backup=self.settings,
            restic=self.restic,
            influx=self.influx,
        )
        run.once(this, self.state)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return one whose destination is a rest-server."""
    for name in ("state", "part", "influxdb"):
        (tmp_path / name).mkdir()
    (tmp_path / "part/a").write_text("content")
    monkeypatch.setattr(run, "STAGING", tmp_path / "state/staging")
    monkeypatch.setattr(status, "DIRECTORY", tmp_path / "state")
    monkeypatch.setattr(run, "free", lambda _place: 10**12)
    status.write(status.Status(begun="2026-01-01T00:00:00Z"), tmp_path / "state")
    settings = Backup(
        repository="rest:http://nas/",
        account="",
        append_only=False,
        ssh_key="",
        known_hosts="",
        parts=(Part("part", ME, tmp_path / "part"),),
        influxdb=Influxdb(1, ME, tmp_path / "influxdb", "hems", "home_assistant"),
        keep=Keep(7, 5, 12, 90),
    )
    return World(tmp_path, settings)


def test_the_first_one_begins_at_the_destination_is_read_back_and_forgets_old_ones(
    world: World,
) -> None:
    world.once()
    assert world.restic.did == ["unlock", "add hems-a", "check", "forget hems-a"]
    [content] = world.restic.stored.values()
    assert content.keys() == {"part.tar", "history/1.tar", "manifest.json"}
    manifest = msgspec.json.decode(content["manifest.json"], type=gather.Manifest)
    assert manifest.files.keys() == {"part.tar", "history/1.tar"}
    assert manifest.figures is not None and manifest.figures.values == {"W count_value": 3}
    found = status.read(world.state)
    assert found.proven == manifest.made and found.repository == "repository-1"
    assert not run.STAGING.exists()


def test_what_can_not_be_had_is_named_and_the_rest_is_stored(world: World) -> None:
    world.influx.problem = "InfluxDB does not answer."
    with pytest.raises(BackupError, match="lacks history: InfluxDB does not answer"):
        world.once()
    [content] = world.restic.stored.values()
    assert content.keys() == {"part.tar", "manifest.json"}
    assert status.read(world.state).proven == "", "it is none that a box comes back from"
    assert "forget hems-a" in world.restic.did


def test_a_part_that_a_box_may_lack_is_no_matter(world: World) -> None:
    gone = Part("gone", ME, world.top / "nowhere", optional=True)
    stranger = Part("stranger", "nobody-here", world.top, optional=True)
    world.settings = msgspec.structs.replace(
        world.settings, parts=(*world.settings.parts, gone, stranger)
    )
    world.once()
    assert status.read(world.state).proven


def test_backups_that_are_gone_are_not_begun_anew_in_silence(world: World) -> None:
    world.once()
    world.restic = FakeRestic()
    with pytest.raises(BackupError, match="are gone: put their disk back"):
        world.once()
    assert not world.restic.here


def test_a_wrong_clock_dates_no_backup(world: World) -> None:
    world.restic.here = "repository-1"
    world.restic.stored["0"] = {}
    world.restic.times["0"] = datetime.now(UTC) + timedelta(days=30)
    with pytest.raises(BackupError, match="once the clock is right"):
        world.once()
    assert len(world.restic.stored) == 1


def test_no_room_on_the_boxs_own_disk_is_said_before_anything_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "free", lambda _place: 1000)
    with pytest.raises(BackupError, match="the box's own disk has 0 MB free"):
        world.once()
    assert not world.restic.stored and not run.STAGING.exists()


def test_a_directory_on_the_boxs_own_disk_is_refused(world: World) -> None:
    place = str(world.top / "not/mounted")
    world.settings = msgspec.structs.replace(world.settings, repository=place)
    with pytest.raises(BackupError, match="is on the box's own disk: plug in the disk"):
        world.once()


def test_a_destination_that_keeps_something_else_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_look_at_disk", lambda _place: None)
    world.settings = msgspec.structs.replace(world.settings, repository="/media/x")
    world.restic.spoil = "part.tar"
    with pytest.raises(BackupError, match=r"is not what was stored \(part.tar\)"):
        world.once()
    assert status.read(world.state).proven == ""


def test_one_that_may_not_forget_does_not(world: World) -> None:
    world.settings = msgspec.structs.replace(world.settings, append_only=True)
    world.once()
    assert world.restic.did == ["add hems-a", "check"]
