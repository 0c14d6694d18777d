"""What an update may have to put back comes back as it was: with real tar and SQLite."""

from __future__ import annotations

import getpass
import sqlite3
from pathlib import Path

import pytest
from hems import systemd
from hems.update import snapshot
from hems.update.snapshot import Service, Snapshot


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """A box with settings, two installed releases and a service with a database."""
    monkeypatch.setattr(systemd, "stop", lambda _: None)
    monkeypatch.setattr(systemd, "order_restart", lambda _: None)
    run = snapshot._run
    monkeypatch.setattr(
        snapshot, "_run", lambda words, **how: "" if "systemctl" in words else run(words, **how)
    )
    etc, home, opt = (tmp_path / name for name in ("etc", "home", "opt"))
    for directory in (etc, home / ".storage", opt):
        directory.mkdir(parents=True)
    (etc / "hems.toml").write_text("old")
    (etc / "gone.toml").write_text("old")
    (home / ".storage/core").write_text("old")
    (opt / "current").symlink_to("1")
    database(home, 50, ["before"])
    return Snapshot(
        tmp_path / "snapshot",
        (etc,),
        (opt / "current",),
        (Service("home.service", getpass.getuser(), home, ("home-assistant_v2.db",)),),
        (etc / "resume.service",),
    )


def database(home: Path, schema: int, states: list[str]) -> None:
    with sqlite3.connect(home / "home-assistant_v2.db") as base:
        base.execute("CREATE TABLE IF NOT EXISTS schema_changes (schema_version INTEGER)")
        base.execute("CREATE TABLE IF NOT EXISTS states (state TEXT)")
        base.execute("INSERT INTO schema_changes VALUES (?)", (schema,))
        base.executemany("INSERT INTO states VALUES (?)", [(state,) for state in states])


def states(home: Path) -> list[str]:
    with sqlite3.connect(home / "home-assistant_v2.db") as base:
        return [row[0] for row in base.execute("SELECT state FROM states")]


def break_it(box: Snapshot) -> None:
    etc, home, link = box.files[0], box.services[0].directory, box.links[0]
    (etc / "hems.toml").write_text("new")
    (etc / "gone.toml").unlink()
    (etc / "strange.toml").write_text("new")
    (home / ".storage/core").write_text("new")
    (home / ".storage/strange").write_text("new")
    link.unlink()
    link.symlink_to("2")


def test_everything_comes_back_also_the_second_time(box: Snapshot) -> None:
    box.take({"x.service": True})
    assert box.complete and box.size() > 0
    etc, home = box.files[0], box.services[0].directory
    for _ in range(2):  # a power cut may make it go twice
        break_it(box)
        box.put_back([])
        assert {path.name: path.read_text() for path in etc.iterdir()} == {
            "hems.toml": "old",
            "gone.toml": "old",
        }
        assert [path.name for path in (home / ".storage").iterdir()] == ["core"]
        assert (home / ".storage/core").read_text() == "old"
        assert str(box.links[0].readlink()) == "1"


def test_only_the_directorys_own_databases_and_logs_are_left_out(box: Snapshot) -> None:
    # a component's "x.logo.png" was not kept, and removed when an update was undone
    home = box.services[0].directory
    below = [home / "custom_components/x" / name for name in ("x.logo.png", "x.db", "media")]
    below[0].parent.mkdir(parents=True)
    for path in below:
        path.write_text("old")
    (home / "home-assistant.log").write_text("said")
    box.take({})
    for path in below:
        path.unlink()
    (home / "home-assistant.log").write_text("said more")
    box.put_back([])
    assert [path.read_text() for path in below] == ["old"] * 3
    assert (home / "home-assistant.log").read_text() == "said more"


def test_nobody_else_reads_what_a_service_keeps_for_itself(box: Snapshot) -> None:
    box.take({})
    archives = list(box.directory.glob("*.tar"))
    assert len(archives) == 2
    assert {path.stat().st_mode & 0o777 for path in archives} == {0o600}


def test_there_is_room_to_go_back_on_a_disk_that_a_release_has_filled(box: Snapshot) -> None:
    box.take({})
    blocks = sum(path.stat().st_blocks for path in box.directory.iterdir())
    assert blocks * 512 > snapshot.RESERVE
    box.make_room()
    box.make_room()  # a power cut may make it go twice
    blocks = sum(path.stat().st_blocks for path in box.directory.iterdir())
    assert blocks * 512 < snapshot.RESERVE
    box.put_back([])


def test_units_are_up_or_down_as_before(box: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, str]] = []
    monkeypatch.setattr(systemd, "stop", lambda unit: done.append(("stop", unit)))
    monkeypatch.setattr(systemd, "order_restart", lambda unit: done.append(("restart", unit)))
    box.take({"hems-update.timer": True, "hems-d2l.service": False, "hems-job.service": None})
    box.put_back(["hems-d2l.service", "hems-job.service", "hems-new.service"])
    assert done == [
        ("stop", "hems-d2l.service"),
        ("stop", "hems-new.service"),
        ("stop", "home.service"),
        ("restart", "hems-update.timer"),
    ]


def test_one_service_that_fails_keeps_no_other_one_down(
    box: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(systemd, "order_restart", started.append)
    box.take({"home.service": True, "mosquitto.service": True})
    (box.directory / "home.service.tar").write_bytes(b"x" * 2000)
    with pytest.raises(ValueError, match="can't be read"):
        box.put_back([])
    assert started == ["home.service", "mosquitto.service"]


def test_who_reads_files_at_a_start_only_is_started_again(
    box: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(systemd, "order_restart", started.append)
    monkeypatch.setattr(snapshot, "READERS", {tmp_path / "etc": "NetworkManager.service"})
    box.take({})
    box.put_back([])
    assert started == []
    (tmp_path / "etc/hems.toml").write_text("new")
    box.put_back([])
    assert started == ["NetworkManager.service"]


def test_what_goes_on_after_a_power_cut_stays_while_it_is_put_back(box: Snapshot) -> None:
    # It is written once the snapshot is there, and went with what else was not in it: a power cut
    # in the middle of undoing was then finished by nobody at boot.
    box.take({})
    [etc], [standby] = box.files, box.spared
    standby.write_text("resume")
    (etc / "strange.toml").write_text("new")
    box.put_back([])
    assert standby.read_text() == "resume" and not (etc / "strange.toml").exists()


def test_history_stays_unless_a_release_has_changed_its_form(box: Snapshot) -> None:
    box.take({})
    home = box.services[0].directory
    database(home, 50, ["after"])
    box.put_back([])
    assert states(home) == ["before", "after"]
    database(home, 51, ["newer"])
    box.put_back([])
    assert states(home) == ["before"]


def test_one_that_was_interrupted_is_none(box: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "COPY", "raise SystemExit(1)")
    with pytest.raises(Exception, match="failed"):
        box.take({})
    assert not box.complete
    box.drop()
    assert not box.directory.exists()
