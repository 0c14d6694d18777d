"""The appliance's lock: one holder, named to everybody else, free when its holder is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hems import HemsError
from hems.lock import Holder, LockedError, appliance_lock, holder, kept_free, parse_holder

from tests.unit.modules import load_module

module = load_module("playbooks/library/appliance_lock.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hems.lock"


def test_nobody_holds_a_lock_that_was_never_taken(path: Path) -> None:
    assert holder(path) is None
    assert not path.exists(), "looking makes no file"


def test_a_second_one_is_told_who_holds_it(path: Path) -> None:
    with appliance_lock(path, "backup"):
        with pytest.raises(LockedError) as caught, appliance_lock(path, "restore"):
            pytest.fail("two hold the lock")
        assert "The appliance's lock is held by the backup of " in str(caught.value)
        assert caught.value.holder.pid == os.getpid()
        seen = holder(path)
        assert seen is not None and (seen.work, seen.pid) == ("backup", os.getpid())
    assert holder(path) is None
    with appliance_lock(path, "restore"):
        pass


def test_whoever_may_only_read_it_can_keep_it_free_for_a_moment(path: Path) -> None:
    with kept_free(path) as free:
        assert free, "nobody has ever taken it"
    with appliance_lock(path, "backup"), kept_free(path) as free:
        assert not free
    path.chmod(0o444)
    with kept_free(path) as free:
        assert free
        with pytest.raises(LockedError, match="something"), appliance_lock(path, "restore"):
            pytest.fail("somebody took it")
    assert holder(path) is None
    with kept_free(path / "below") as free:
        assert not free, "what can't be asked counts as held"


def test_whoever_may_not_even_read_it_sees_in_the_kernels_list_whether_it_is_held(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with appliance_lock(path, "backup"):
        pass
    real = os.open

    def closed(name: Path, flags: int, *mode: int) -> int:
        if name == path:
            raise PermissionError(13, "Permission denied", str(path))
        return real(name, flags, *mode)

    with subprocess.Popen(["flock", str(path), "cat"], stdin=subprocess.PIPE) as play:
        monkeypatch.setattr(os, "open", closed)
        deadline = time.monotonic() + 10
        while holder(path) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert str(holder(path)) == "the work that 'sudo hems status' names"
        play.communicate()
    assert holder(path) is None


def test_it_is_open_to_its_directorys_group_alone(path: Path) -> None:
    with appliance_lock(path, "backup"):
        assert path.stat().st_mode & 0o777 == 0o640


def test_an_error_inside_frees_it(path: Path) -> None:
    with pytest.raises(RuntimeError), appliance_lock(path, "backup"):
        raise RuntimeError("disk full")
    assert holder(path) is None


@pytest.mark.usefixtures("site_clock")
def test_it_is_the_lock_of_flock_1(path: Path) -> None:
    note = json.dumps({"work": "converge", "by": "laptop", "pid": 1, "since": "2026-11-22T05:00Z"})
    script = 'printf "%s\\n" "$2" >"$1" && exec sleep 60'
    command = ["flock", "--nonblock", str(path), "sh", "-c", script, "sh", str(path), note]
    with subprocess.Popen(command, start_new_session=True) as play:
        try:
            deadline = time.monotonic() + 10
            while holder(path) != parse_holder(note.encode()) and time.monotonic() < deadline:
                time.sleep(0.01)
            said = "held by the converge of laptop since 2026-11-22 06:00:00"
            with pytest.raises(LockedError, match=said), appliance_lock(path, "backup"):
                pytest.fail("two hold the lock")
        finally:
            os.killpg(play.pid, signal.SIGKILL)
    # flock's child has the file open too, and dies a moment after it.
    with appliance_lock(path, "backup", wait_seconds=5):
        taken = ["flock", "--nonblock", "--conflict-exit-code=75", str(path), "true"]
        assert subprocess.run(taken, check=False).returncode == 75


def test_a_killed_holder_leaves_it_free_and_its_note_means_nothing(path: Path) -> None:
    program = (
        "import pathlib, sys, time; from hems.lock import appliance_lock\n"
        "with appliance_lock(pathlib.Path(sys.argv[1]), 'update'):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        seen = holder(path)
        assert seen is not None and seen.work == "update"
        process.kill()
    assert "update" in path.read_text()
    assert holder(path) is None


def test_waiting_ends_when_it_becomes_free_or_time_is_up(path: Path) -> None:
    now = [0.0]
    first = appliance_lock(path, "backup")
    first.__enter__()

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if now[0] > 3:
            first.__exit__(None, None, None)

    def clock() -> float:
        return now[0]

    with (
        pytest.raises(LockedError),
        appliance_lock(path, "update", wait_seconds=2, clock=clock, sleep=sleep),
    ):
        pytest.fail("two hold the lock")
    with appliance_lock(path, "update", wait_seconds=10, clock=clock, sleep=sleep) as me:
        assert me.work == "update"
    assert now[0] < 4


@pytest.mark.parametrize("note", [b"", b"half a li", b"[]", b"\xff", b'{"pid": "many"}'])
def test_a_note_that_can_not_be_read_is_a_holder_without_a_name(note: bytes) -> None:
    assert parse_holder(note) == Holder()
    assert str(Holder()) == "the something"


def test_a_file_that_can_not_be_opened_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(HemsError, match="The lock file can't be opened"),
        appliance_lock(tmp_path / "missing/hems.lock", "backup"),
    ):
        pytest.fail("no lock was taken")


def test_a_play_knows_whether_it_runs_inside_the_work_that_holds_the_lock(path: Path) -> None:
    assert not module.is_held(path, "update")
    with appliance_lock(path, "update"):
        assert module.is_held(path, "update") and not module.is_held(path, "restore")
    assert not module.is_held(path, "update")


@pytest.mark.parametrize("state", ["held", "free"])
def test_a_play_of_an_update_leaves_the_lock_to_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    said: dict[str, object] = {}

    class Module:
        check_mode = False

        def __init__(self, **_: object) -> None:
            self.params = {"path": str(path), "state": state, "inside": "update"}

        def exit_json(self, **_: object) -> None:
            raise SystemExit(0)

        def fail_json(self, **told: object) -> None:
            said.update(told)
            raise SystemExit(1)

    monkeypatch.setattr(module, "AnsibleModule", Module)
    with appliance_lock(path, "update"), pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 0
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == (1 if state == "held" else 0)
    assert not said or str(said["msg"]).startswith("No update holds the appliance's lock")
