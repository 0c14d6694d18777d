"""What goes wrong in the middle of an update is said, and ended by the unit that stands by."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from hems import HemsError
from hems.cli import update as command
from hems.lock import Holder
from hems.systemd import Unit
from hems.update import play, resume, run
from hems.update.core import Ring
from hems.update.run import Updater
from hems.update.state import UNDO, Phase, load
from hems.update.update_settings import Keep, Server, Update, Window

RING = Ring("canary", "v1.2.3", "a" * 40, 100, 7, datetime(2027, 1, 1, tzinfo=UTC))


@contextmanager
def held(*_: object, **__: object) -> Iterator[None]:
    """The appliance's lock, which nobody else wants."""
    yield


@pytest.fixture
def updater(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Updater:
    """A box without services."""
    monkeypatch.setattr(run.lock, "appliance_lock", held)
    monkeypatch.setattr(Updater, "_wanted", lambda _: {})
    options = Update(
        "site_1",
        "canary",
        "inventory/pilot",
        tmp_path,
        tmp_path / "signers",
        tmp_path,
        tmp_path / "problem",
        300,
        Server("https://example.org/fleet.git"),
        Window(1, 1),
        Keep((), (), tmp_path),
    )
    paths = SimpleNamespace(lock=tmp_path / "lock", root_run=tmp_path)
    return Updater(options, SimpleNamespace(paths=paths))  # type: ignore[arg-type]


class Kept:
    """A snapshot on a disk that is full."""

    def __init__(self) -> None:
        self.dropped = False

    def size(self) -> int:
        return 0

    def take(self, _: object) -> None:
        raise OSError(28, "No space left on device")

    def drop(self) -> None:
        self.dropped = True


def test_without_a_snapshot_nothing_is_changed(
    updater: Updater, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept()
    monkeypatch.setattr(updater, "snapshot", lambda: kept)
    monkeypatch.setattr(run.shutil, "disk_usage", lambda _: SimpleNamespace(free=run.FREE))
    assert updater.take(RING, updater.directory, 0.0) == 1
    assert kept.dropped and load(updater.directory).phase is None
    said = updater.options.problem.read_text()
    assert said.startswith("v1.2.3 is not taken, as nothing can be kept: ") and "No space" in said


@pytest.mark.parametrize(("phase", "code"), [(None, None), (UNDO, command.CRASHED)])
def test_what_fails_in_an_update_has_it_ended_by_the_other_unit(
    updater: Updater, monkeypatch: pytest.MonkeyPatch, phase: str | None, code: int | None
) -> None:
    # 1 counts as "not taken, and said why": hems-update-resume.service would not be started.
    def fail(*_: object) -> int:
        if phase:
            updater.remember(phase=Phase(phase, "v1.2.3", "a" * 40, 0.0))
        raise HemsError("'tar -C …' failed (Input/output error): look at the disk.")

    monkeypatch.setattr(command.os, "geteuid", lambda: 0)
    monkeypatch.setattr(command, "main", lambda _: updater)
    monkeypatch.setattr(command, "_do", fail)
    options = argparse.Namespace(action=None, settings=None)
    if code is None:
        with pytest.raises(HemsError):
            command.run(options)
    else:
        assert command.run(options) == code


@pytest.mark.parametrize(("by", "stopped"), [(os.uname().nodename, True), ("laptop", False)])
def test_undoing_takes_the_lock_from_its_own_play_only(
    updater: Updater, monkeypatch: pytest.MonkeyPatch, by: str, stopped: bool
) -> None:
    # a person's converge that has it meanwhile goes on, and undoing waits for its end
    ran: list[list[str]] = []
    monkeypatch.setattr(run.lock, "holder", lambda _: Holder("converge", by))
    monkeypatch.setattr(run.subprocess, "run", lambda words, **_: ran.append(words))
    updater._free_lock()
    assert bool(ran) == stopped


def test_units_are_wanted_up_down_or_neither(
    tmp_path: Path, updater: Updater, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    states = {
        "hems-up.timer": "active",
        "hems-off.service": "inactive",
        "hems-job.service": "activating",
        "home-assistant.service": "failed",  # wanted, and down for the moment
    }
    for name in [*states, "owners-own.service", "hems-update.service", resume.UNIT]:
        (tmp_path / name).touch()
    entries = {"home_assistant": SimpleNamespace(unit="home-assistant.service")}
    monkeypatch.setattr(run.resume, "DIRECTORY", tmp_path)
    monkeypatch.setattr(run.services, "read_all", lambda _: SimpleNamespace(entries=entries))
    monkeypatch.setattr(
        run,
        "units",
        lambda names: {one: Unit(one, "loaded", states[one], "", "", 0, "") for one in names},
    )
    assert updater._wanted() == {
        "hems-up.timer": True,
        "hems-off.service": False,
        "hems-job.service": None,
        "home-assistant.service": True,
    }


def test_a_play_on_the_box_does_not_fill_its_journal() -> None:
    assert play._environment()["ANSIBLE_NO_TARGET_SYSLOG"] == "1"
