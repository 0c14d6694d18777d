"""The LEDs, read from their mock pins, while things come and go on the box."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import pytest
from hems.health.catalogue import KINDS

UNIT = "hems-leds.service"
HOME_ASSISTANT = "home-assistant.service"
pytestmark = pytest.mark.journal("hems-leds")

MARK = "test_leds"  # in the lines that these tests write into Home Assistant's log
RSS_KIB = 25 * 1024

# Writes a health report as the watchdog does.
REPORT = """
import sys, time
from pathlib import Path
from hems.health import store
from hems.health.catalogue import issue
issues = [issue(code, 'seen by a test') for code in sys.argv[2:]]
path = Path(sys.argv[1]) / store.FILE
store.write(path, issues, time.monotonic(), time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()))
"""

# Looks at a pin for a while and prints how long it was dark (0) and lit (1) in turn, in seconds.
WATCH = """
import json, sys, time
from pathlib import Path
path, end, runs = Path(sys.argv[1]), time.monotonic() + float(sys.argv[2]), []
while (now := time.monotonic()) < end:
    high = int(json.loads(path.read_text())['leds']['error']['high'])
    if not runs or runs[-1][0] != high:
        runs.append([high, now, now])
    runs[-1][2] = now
    time.sleep(0.02)
print(json.dumps([[high, last - first] for high, first, last in runs]))
"""


class Leds:
    """What the pins of the Pi's LEDs say."""

    def __init__(self, pi: Any, site: dict[str, Any]) -> None:
        self.pi = pi
        self.run = site["hems_path_run"]
        self.file = f"{self.run}/leds.json"
        self.python = f"{site['hems_path_opt']}/current/bin/python"

    def read(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.pi.check_output("cat %s", self.file))
        return content

    def lit(self, name: str) -> bool:
        return bool(self.read()["leds"][name]["high"])

    def becomes(self, name: str, lit: bool, seconds: float) -> bool:
        return until(lambda: self.lit(name) is lit, seconds)

    def report(self, *codes: str) -> None:
        """Have exactly these issues open."""
        command = "runuser -u hems -- %s -I -c %s %s" + " %s" * len(codes)
        self.pi.check_output(command, self.python, REPORT, self.run, *codes)

    def flashes(self, seconds: float) -> list[int]:
        """Count each row of flashes that begins and ends with a pause."""
        seen = json.loads(
            self.pi.check_output("%s -I -c %s %s %s", self.python, WATCH, self.file, str(seconds))
        )
        pauses = [high == 0 and lasted > 1 for high, lasted in seen]
        rows = [
            sum(high for (high, _), _ in group)
            for is_pause, group in groupby(zip(seen, pauses, strict=True), lambda run: run[1])
            if not is_pause
        ]
        return rows[1:-1]

    def main_pid(self) -> str:
        return str(self.pi.check_output("systemctl show %s -p MainPID --value", UNIT))


def until(what: Callable[[], bool], seconds: float) -> bool:
    """Tell whether it becomes true within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


@contextmanager
def quiet_watchdog(pi: Any) -> Iterator[None]:
    """Keep the watchdog from writing its own report, or from healing what a test breaks."""
    was_up = pi.run("systemctl is-active hems-watchdog.service").rc == 0
    if was_up:
        pi.check_output("systemctl stop hems-watchdog.service")
    try:
        yield
    finally:
        if was_up:
            pi.check_output("systemctl start hems-watchdog.service")


@pytest.fixture
def lamps(pi: Any, site: dict[str, Any]) -> Iterator[Leds]:
    """The LEDs of a box without an issue."""
    leds = Leds(pi, site)
    with quiet_watchdog(pi):
        leds.report()
        assert until(lambda: leds.read()["blink"] == 0, 10)
        yield leds
        leds.report()


@pytest.fixture
def targets(pi: Any, site: dict[str, Any]) -> Iterator[list[str]]:
    """The targets of the pings, as addresses of the Pi itself: nothing else need be reachable."""
    program = (
        "import sys, tomllib; print(*tomllib.load(open(sys.argv[1], 'rb'))['internet']['targets'])"
    )
    hosts = pi.check_output(
        "python3 -c %s %s", program, f"{site['hems_path_etc']}/hems.toml"
    ).split()
    for host in hosts:
        pi.run("ip address add %s/32 dev lo", host)
    yield hosts
    for host in hosts:
        pi.run("ip address del %s/32 dev lo", host)


@pytest.fixture
def log(pi: Any, site: dict[str, Any]) -> Iterator[Callable[[str], None]]:
    """Appends a record of a level to Home Assistant's log; the tests' records go at the end."""
    path = f"{site['hems_path_home_assistant_config']}/home-assistant.log"

    def append(level: str) -> None:
        line = f"2026-11-22 07:15:01.123 {level} (MainThread) [homeassistant.{MARK}] as asked"
        pi.check_output("printf '%%s\\n' %s >> %s", line, path)

    yield append
    for name in (path, f"{path}.1"):
        # In place: Home Assistant has the file open.
        pi.check_output(
            "test ! -e %s || { sed /%s/d %s > /run/%s && cat /run/%s > %s; }",
            name,
            MARK,
            name,
            MARK,
            MARK,
            name,
        )


def test_a_healthy_box_shows_two_lights(lamps: Leds, targets: list[str]) -> None:
    assert targets
    assert lamps.becomes("home_assistant", True, 10)
    assert lamps.becomes("internet", True, 10)
    seen = lamps.read()
    assert seen["running"] is True and seen["pins"] == "mock"
    assert {name: led["pin"] for name, led in seen["leds"].items()} == {
        "home_assistant": 17,
        "internet": 27,
        "error": 22,
    }
    assert lamps.pi.run("systemctl is-enabled %s", UNIT).stdout.strip() == "enabled"


def test_home_assistants_light_follows_its_answers(lamps: Leds) -> None:
    pi = lamps.pi
    assert lamps.becomes("home_assistant", True, 10)
    pi.check_output("systemctl stop %s", HOME_ASSISTANT)
    try:
        assert lamps.becomes("home_assistant", False, 8)
    finally:
        pi.check_output("systemctl start %s", HOME_ASSISTANT)
    assert lamps.becomes("home_assistant", True, 120)


def test_home_assistant_that_hangs_is_no_light(lamps: Leds) -> None:
    assert lamps.becomes("home_assistant", True, 120)
    lamps.pi.check_output("systemctl kill --signal=STOP %s", HOME_ASSISTANT)
    try:
        assert lamps.becomes("home_assistant", False, 15)
    finally:
        lamps.pi.check_output("systemctl kill --signal=CONT %s", HOME_ASSISTANT)
    assert lamps.becomes("home_assistant", True, 30)


def test_the_uplinks_light_follows_the_echoes(lamps: Leds, targets: list[str]) -> None:
    """The targets fall silent in the Pi's own network namespace: no error, just no answer."""
    assert targets and lamps.becomes("internet", True, 10)
    switch = "net.ipv4.icmp_echo_ignore_all"
    lamps.pi.check_output(f"sysctl -q -w {switch}=1")
    try:
        assert lamps.becomes("internet", False, 15)
    finally:
        lamps.pi.check_output(f"sysctl -q -w {switch}=0")
    assert lamps.becomes("internet", True, 8)


def test_an_error_in_the_log_is_a_light_until_newer_lines_bring_none(
    lamps: Leds, log: Callable[[str], None]
) -> None:
    log("WARNING")
    assert lamps.becomes("error", False, 8)
    for level in ("ERROR", "CRITICAL"):
        log(level)
        assert lamps.becomes("error", True, 8)
        time.sleep(5)
        assert lamps.lit("error"), "nothing newer has come"
        log("WARNING")
        assert lamps.becomes("error", False, 8)


def test_the_light_survives_the_logs_rotation(
    lamps: Leds, log: Callable[[str], None], site: dict[str, Any]
) -> None:
    path = f"{site['hems_path_home_assistant_config']}/home-assistant.log"
    before = lamps.pi.check_output("stat -c %%i %s", path)
    log("ERROR")
    assert lamps.becomes("error", True, 8)
    lamps.pi.check_output("systemctl restart %s", HOME_ASSISTANT)
    assert until(lambda: lamps.pi.check_output("stat -c %%i %s", path) != before, 60)
    # Its first line of each start is a warning: newer, and no error.
    assert lamps.becomes("error", False, 60)
    log("ERROR")
    assert lamps.becomes("error", True, 8)
    log("WARNING")
    assert lamps.becomes("error", False, 8)


def test_the_most_severe_issue_can_be_counted(lamps: Leds) -> None:
    expected = KINDS["influxdb_down"].blink
    lamps.report("disk_filling", "influxdb_down")
    assert until(lambda: lamps.read()["blink"] == expected, 8)
    rows = lamps.flashes(6 * (2.5 + 0.6 * expected))
    assert len(rows) >= 2 and set(rows) == {expected}
    lamps.report()
    assert lamps.becomes("error", False, 8)
    assert lamps.read()["blink"] == 0


def test_the_lights_go_off_when_it_is_stopped(lamps: Leds) -> None:
    assert lamps.becomes("home_assistant", True, 30)
    lamps.pi.check_output("systemctl stop %s", UNIT)
    try:
        seen = lamps.read()
        assert seen["running"] is False
        assert not any(led["high"] for led in seen["leds"].values())
        result = lamps.pi.check_output("systemctl show %s -p Result --value", UNIT)
        assert result == "success"
    finally:
        lamps.pi.check_output("systemctl start %s", UNIT)
    assert lamps.becomes("home_assistant", True, 10)


def test_a_daemon_that_is_stuck_is_restarted(lamps: Leds) -> None:
    before = lamps.main_pid()
    lamps.pi.check_output("kill -STOP %s", before)
    assert until(lambda: lamps.main_pid() not in (before, "0"), 40)
    assert lamps.becomes("home_assistant", True, 15)


def test_it_reads_the_log_and_nothing_else_of_home_assistants(
    lamps: Leds, site: dict[str, Any]
) -> None:
    inside = f"nsenter --target {lamps.main_pid()} --mount --"
    config = site["hems_path_home_assistant_config"]
    for closed in (f"{config}/.storage", site["hems_path_secrets"]):
        assert lamps.pi.check_output(f"ls -A {closed}") != ""
        assert lamps.pi.check_output(f"{inside} ls -A {closed}") == ""
    assert lamps.pi.run(f"{inside} touch {config}/{MARK}").rc != 0
    assert lamps.pi.run(f"{inside} test -r {config}/home-assistant.log").rc == 0


def test_it_is_frugal(lamps: Leds) -> None:
    """196 pings in five seconds were once seen; memory is what the box's other parts need."""
    names = lamps.pi.check_output("grep -m1 ^Icmp: /proc/net/snmp").split()
    column = names.index("OutEchos") + 1
    sent = f"grep ^Icmp: /proc/net/snmp | tail -1 | cut -d' ' -f{column}"
    before = int(lamps.pi.check_output(sent))
    time.sleep(10)
    echoes = int(lamps.pi.check_output(sent)) - before
    assert 0 < echoes <= 18, "three targets a round at most"
    status = lamps.pi.file(f"/proc/{lamps.main_pid()}/status").content_string
    (resident,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    assert int(resident) <= RSS_KIB
