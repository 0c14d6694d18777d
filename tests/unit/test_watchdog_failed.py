"""What a failed watchdog leads to: a forced reboot only where one could cure it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repo.checkout import ROOT

SCRIPT = ROOT / "roles/hems/templates/usr/local/sbin/hems-watchdog-failed.j2"
UNIT = "hems-watchdog.service"
HOUR = 3600
FAKE = """#!/bin/sh
case "$*" in
  *UserspaceTimestampMonotonic*) echo 0 ;;
  *ExecMainStartTimestampMonotonic*) echo 1000 ;;
  *ActiveEnterTimestampMonotonic*) echo "$READY" ;;
  *) echo "$*" >> "$ORDERS" ;;
esac
"""

Fail = Callable[..., list[str]]


@pytest.fixture
def fail(tmp_path: Path) -> Fail:
    """Runs the script as systemd does after a failure; returns the orders that it has given."""
    orders, uptime, log = tmp_path / "orders", tmp_path / "uptime", tmp_path / "restart-log.txt"
    text = SCRIPT.read_text().replace("{{ ansible_managed | comment }}", "")
    values = {
        "__hems_watchdog_unit": UNIT,
        "hems_path_state": str(tmp_path),
        "hems_watchdog_forced_reboot": str(HOUR),
    }
    for name, value in values.items():
        text = text.replace(f"{{{{ {name} }}}}", value)
    assert "{{" not in text
    text = text.replace("/proc/uptime", str(uptime))
    text = text.replace("setpriv --reuid=hems --regid=hems --clear-groups ", "")
    (tmp_path / "systemctl").write_text(FAKE)
    (tmp_path / "systemctl").chmod(0o755)
    (tmp_path / "run").mkdir()
    orders.touch()
    log.touch()

    def run(result: str, at: int, ready: int = 2000) -> list[str]:
        uptime.write_text(f"{at}.25 1.0\n")
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "MONITOR_SERVICE_RESULT": result,
            "RUNTIME_DIRECTORY": str(tmp_path / "run"),
            "ORDERS": str(orders),
            "READY": str(ready),
        }
        subprocess.run(["sh", "-c", text], env=environment, check=True, timeout=30)
        return orders.read_text().splitlines()

    return run


def log(tmp_path: Path) -> list[str]:
    return (tmp_path / "restart-log.txt").read_text().splitlines()


@pytest.mark.parametrize("result", ["watchdog", "signal", "core-dump", "oom-kill"])
def test_one_that_hangs_or_crashes_three_times_reboots_the_box(
    fail: Fail, tmp_path: Path, result: str
) -> None:
    assert fail(result, 2 * HOUR) == []
    assert fail(result, 2 * HOUR + 200) == []
    assert fail(result, 2 * HOUR + 400) == ["reboot --force"]
    (line,) = log(tmp_path)
    assert "| reboot | box | the watchdog failed three times in 10 min |" in line
    assert f"{result}, up for 7600 s" in line


@pytest.mark.parametrize("result", ["exit-code", "timeout", "protocol", "resources", "unknown"])
def test_a_start_that_fails_or_an_end_by_itself_never_does(
    fail: Fail, tmp_path: Path, result: str
) -> None:
    for round_ in range(20):
        assert fail(result, 2 * HOUR + round_) == []
    (line,) = log(tmp_path)  # one a day is enough
    assert f"| restart | {UNIT} |" in line and result in line


def test_one_that_never_became_ready_never_does(fail: Fail) -> None:
    for round_ in range(5):
        assert fail("signal", 2 * HOUR + round_, ready=500) == []


def test_one_failure_of_another_kind_among_them_is_no_reason(fail: Fail) -> None:
    for at, result in enumerate(["signal", "exit-code", "signal"]):
        assert fail(result, 2 * HOUR + at) == []


def test_an_hour_lies_between_two_such_reboots(fail: Fail) -> None:
    for at in range(5):
        assert fail("signal", HOUR - 100 + at) == []


def test_failures_that_lie_apart_are_no_reason(fail: Fail, tmp_path: Path) -> None:
    for number in range(10):
        assert fail("signal", 2 * HOUR + number * 301) == []
    assert log(tmp_path) == []
