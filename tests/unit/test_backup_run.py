"""One backup from begin to end, with a destination of the test's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hems.backup import BackupError, gather, run, status
from hems.backup.backup_settings import Part

from tests.unit.backup_world import ME, FakeRestic, World, make


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a box whose destination is a rest-server."""
    return make(tmp_path, monkeypatch)


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


def test_readings_that_may_lack_some_are_stored_and_told(world: World) -> None:
    world.influx.unproven = True
    with pytest.raises(BackupError, match="may lack the newest readings"):
        world.once()
    [content] = world.restic.stored.values()
    assert "history/1.tar" in content
    assert status.read(world.state).proven == "", "the next night tries again"


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
    assert world.restic.did == ["unlock", "add hems-a", "check"]


def test_one_that_removes_nothing_costs_no_backup_and_is_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.restic.refused = "It removes nothing."
    world.once()
    assert status.read(world.state).proven
    assert "It removes nothing." in capsys.readouterr().err
