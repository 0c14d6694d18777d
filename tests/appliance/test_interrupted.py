"""What an interrupted play left behind, the next one finishes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

UNIT = "hems-rehearsal.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
SETTINGS = "/run/hems-rehearsal.conf"

RunModule = Callable[..., dict[str, Any]]


@pytest.fixture
def unit(pi: Any) -> Iterator[str]:
    """A unit whose file a play wrote before it died: systemd has not been told."""
    text = (
        "[Service]\nExecStart=sleep infinity\nExecReload=true\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )
    pi.check_output("printf %s > %s", text, UNIT_FILE)
    pi.check_output("touch %s", SETTINGS)
    yield UNIT
    pi.run("systemctl disable --now %s", UNIT)
    memory = f"/var/lib/hems-units/{UNIT}"
    pi.check_output("rm -f %s %s %s && systemctl daemon-reload", UNIT_FILE, SETTINGS, memory)


def test_a_unit_runs_on_the_files_that_are_there(pi: Any, run_module: RunModule, unit: str) -> None:
    at_start = {"name": unit, "files": [SETTINGS]}
    assert run_module("unit_current", at_start)["did"] == ["enable", "start"]
    assert run_module("unit_current", at_start)["did"] == []
    # Written before the unit started, as far as its time tells: a Pi's clock may have been set.
    pi.check_output("echo two > %s && touch --date=@0 %s", SETTINGS, SETTINGS)
    assert run_module("unit_current", at_start, "--check")["did"] == ["restart"]
    assert run_module("unit_current", at_start)["did"] == ["restart"]
    pi.check_output("touch %s", SETTINGS)
    assert run_module("unit_current", at_start)["did"] == []
    by_reload = {"name": unit, "reload_files": [SETTINGS]}
    assert run_module("unit_current", by_reload)["did"] == ["restart"]  # read at a start before
    pi.check_output("echo three > %s", SETTINGS)
    assert run_module("unit_current", by_reload)["did"] == ["reload"]
    assert run_module("unit_current", by_reload)["did"] == []
    pi.check_output("echo '# changed' >> %s && touch --date=@0 %s", UNIT_FILE, UNIT_FILE)
    assert run_module("unit_current", by_reload)["did"] == ["restart"]
    assert run_module("unit_current", {"name": unit, "state": "stopped"})["did"] == [
        "disable",
        "stop",
    ]


def test_a_unit_that_is_missing_is_named(run_module: RunModule) -> None:
    result = run_module("unit_current", {"name": "hems-nonsense.service"})
    assert result["msg"].startswith("There is no unit hems-nonsense.service")


def test_a_dead_play_of_this_controller_gives_up_its_lock(
    site: dict[str, Any], run_module: RunModule
) -> None:
    lock = {"path": site["hems_path_lock"]}
    # The play that takes it is over when run_module returns: a dead holder.
    assert "msg" not in run_module("appliance_lock", lock | {"work": "converge"})
    assert "msg" not in run_module("appliance_lock", lock | {"work": "converge"})
    assert "msg" not in run_module("appliance_lock", lock | {"state": "free"})


def test_a_live_plays_lock_is_refused_in_one_sentence(
    pi: Any, site: dict[str, Any], run_module: RunModule
) -> None:
    alive = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    note = json.dumps({"work": "restore", "by": socket.gethostname(), "pid": alive.pid})
    path = site["hems_path_lock"]
    try:
        holder = f"echo '{note}' > {path} && exec sleep 60"
        pi.check_output(
            "systemd-run --quiet --collect --unit=hems-rehearsal-lock flock %s sh -c %s",
            path,
            holder,
        )
        result = run_module("appliance_lock", {"path": path})
    finally:
        pi.run("systemctl stop hems-rehearsal-lock")
        pi.run("truncate --size=0 %s", path)
        alive.communicate(b"\n")
    assert os.linesep not in result["msg"]
    assert "held by the restore of" in result["msg"]
