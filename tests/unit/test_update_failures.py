"""What goes wrong in the middle of an update is said, and ended by the unit that stands by."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hems import HemsError, whole_file
from hems.cli import update as command
from hems.lock import Holder, LockedError
from hems.systemd import Unit
from hems.update import own_units, play, resume, run
from hems.update.core import Ring
from hems.update.run import Updater
from hems.update.state import PLAY, UNDO, Phase, load
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
    monkeypatch.setattr(own_units, "wanted", dict)
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

    def take(self, *_: object) -> None:
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
    monkeypatch.setattr(command, "_updater", lambda _: updater)
    monkeypatch.setattr(command, "_do", fail)
    options = argparse.Namespace(action=None, settings=None)
    if code is None:
        with pytest.raises(HemsError):
            command.run(options)
    else:
        assert command.run(options) == code


@pytest.fixture
def works(updater: Updater, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What an update does, step by step; nothing of it changes this machine."""
    done: list[str] = []

    @contextmanager
    def lock_of(_: Path, work: str, **__: object) -> Iterator[None]:
        done.append(f"lock for {work}")
        yield
        done.append("unlock")

    kept = SimpleNamespace(
        size=lambda: 0,
        take=lambda *_: done.append("snapshot"),
        put_back=lambda _: done.append("put back"),
        make_room=lambda: None,
        drop=lambda: None,
        settings=Path("/nonexistent"),
    )
    monkeypatch.setattr(run.lock, "appliance_lock", lock_of)
    monkeypatch.setattr(updater, "snapshot", lambda: kept)
    monkeypatch.setattr(run.gate, "before", lambda *_: (None, (), False))
    monkeypatch.setattr(run.gate.Gate, "unwell", lambda _: ())
    monkeypatch.setattr(resume, "arm", lambda _: done.append("arm"))
    monkeypatch.setattr(resume, "disarm", lambda: done.append("disarm"))

    def well(work: str) -> str:
        done.append(work)
        return ""

    monkeypatch.setattr(play, "play", lambda *given: well(f"play {given[-1]}"))
    monkeypatch.setattr(run.gate, "wait_until_well", lambda *_: well("gate"))
    updater.releases.mkdir()
    return done


def test_nobody_gets_in_between_a_snapshot_and_its_play(updater: Updater, works: list[str]) -> None:
    assert updater.take(RING, updater.directory, 0.0) == 0
    begun = ["lock for update", "snapshot", "arm", "play update", "unlock"]
    assert works == [*begun, "gate", "disarm"]
    assert (updater.state.release, updater.state.phase) == ("v1.2.3", None)


@pytest.mark.usefixtures("works")
def test_interruptions_count_until_a_release_is_taken(updater: Updater) -> None:
    updater.remember(phase=Phase(PLAY, "v1.2.2", "b" * 40, 0.0))
    updater.finish()
    assert updater.state.cuts == {"b" * 40: 1}
    assert updater.take(RING, updater.directory, 0.0) == 0
    assert updater.state.cuts == {}


def test_a_play_that_fails_is_undone_before_somebody_else_gets_the_lock(
    updater: Updater, works: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "play", lambda *_: "its playbook failed (2)")
    assert updater.take(RING, updater.directory, 0.0) == 1
    assert works == [
        *("lock for update", "snapshot", "arm", "put back", "unlock"),
        *("gate", "disarm"),
    ]
    assert updater.state.bad == {RING.commit: "its playbook failed (2)"}
    assert updater.state.result.startswith("v1.2.3 was undone, as its playbook failed (2); the box")


def test_a_box_on_which_somebody_works_takes_the_release_later(
    updater: Updater, works: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # a person's converge was refused by the play itself once, and the release counted as bad
    @contextmanager
    def refused(path: Path, *_: object, **__: object) -> Iterator[None]:
        raise LockedError(path, Holder("converge", "laptop"))
        yield

    monkeypatch.setattr(run.lock, "appliance_lock", refused)
    assert updater.take(RING, updater.directory, 0.0) == 1
    assert works == [] and not updater.options.problem.exists()
    assert (updater.state.bad, updater.state.phase) == ({}, None)
    said = "v1.2.3 is not taken yet, but at a later look: The appliance's lock is held by the conv"
    assert updater.state.result.startswith(said)


def test_an_interrupted_update_is_undone_on_a_disk_that_it_has_filled(
    updater: Updater, works: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The unit that undoes it could not even remember that it began, and began for ever anew.
    updater.remember(phase=Phase(PLAY, "v1.2.3", "a" * 40, 0.0))
    reserve = updater.directory / "reserve"
    reserve.touch()
    write = whole_file.write

    def write_on_a_full_disk(path: Path, *given: Any, **named: Any) -> None:
        if reserve.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, *given, **named)

    monkeypatch.setattr(whole_file, "write", write_on_a_full_disk)
    make_room = partial(reserve.unlink, missing_ok=True)
    monkeypatch.setattr(updater.snapshot(), "make_room", make_room)
    updater.finish()
    assert works == ["lock for update", "put back", "unlock", "gate", "disarm"]
    assert updater.state.result.startswith("v1.2.3 was undone, as it was interrupted once; the box")


def test_units_are_wanted_up_down_or_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    monkeypatch.setattr(own_units.services, "read_all", lambda _: SimpleNamespace(entries=entries))
    monkeypatch.setattr(
        own_units,
        "units",
        lambda names: {one: Unit(one, "loaded", states[one], "", "", 0, "") for one in names},
    )
    assert own_units.wanted() == {
        "hems-up.timer": True,
        "hems-off.service": False,
        "hems-job.service": None,
        "home-assistant.service": True,
    }


PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.shell: echo $$ >{file}; exec sleep 600
"""


def test_a_play_that_takes_too_long_ends_with_its_task(
    tmp_path: Path, updater: Updater, monkeypatch: pytest.MonkeyPatch
) -> None:
    # its task is in a session of its own: killing ansible-playbook alone let it work on
    file = tmp_path / "task"

    class Impatient(subprocess.Popen[bytes]):
        """The time is over once the task runs, however slow the machine is."""

        def wait(self, timeout: float | None = None) -> int:
            if timeout == 3600:
                while not file.exists() or not file.read_text().endswith("\n"):
                    assert self.poll() is None
                    time.sleep(0.1)
                raise subprocess.TimeoutExpired("ansible-playbook", timeout)
            return super().wait(timeout)

    monkeypatch.setattr(play.subprocess, "Popen", Impatient)
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/site.yml").write_text(PLAYBOOK.format(file=file))
    (tmp_path / "hosts").write_text(f"site_1 ansible_python_interpreter={sys.executable}")
    options = msgspec.structs.replace(
        updater.options, inventory="hosts", ansible=Path(sys.executable).parent
    )
    assert play.play(options, tmp_path, 3600) == "its playbook took more than 60 min"
    stat = Path("/proc", file.read_text().strip(), "stat")
    with suppress(FileNotFoundError):  # or it is dead, and nobody has asked for its end yet
        deadline = time.monotonic() + 60
        while stat.read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_who_is_asked_to_end_ends_the_play_first(
    updater: Updater, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object) -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return 0

    before = signal.getsignal(signal.SIGHUP)
    monkeypatch.setattr(command.os, "geteuid", lambda: 0)
    monkeypatch.setattr(command, "_updater", lambda _: updater)
    monkeypatch.setattr(command, "_do", ask)
    with pytest.raises(SystemExit) as caught:
        command.run(argparse.Namespace(action=None, settings=None))
    assert caught.value.code == 128 + signal.SIGHUP and signal.getsignal(signal.SIGHUP) == before
