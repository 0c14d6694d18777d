"""The LEDs, read from their mock pins, while things come and go on the box."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hems.health.catalogue import KINDS

from tests.appliance.leds_box import UNIT, Leds, until

WATCHDOG = "hems-watchdog.service"
HOME_ASSISTANT = "home-assistant.service"
pytestmark = pytest.mark.journal("hems-leds")

MARK = "test_leds"  # in the lines that these tests write into Home Assistant's log
RSS_KIB = 25 * 1024


@pytest.fixture(scope="module")
def no_watchdog(pi: Any) -> Iterator[None]:
    """Keep the watchdog from writing its own report, and from healing what a test breaks.

    Once for all tests: a unit that starts so often would be taken for one that fails.
    """
    # The second one would start it again, had it failed before.
    pi.check_output("systemctl stop %s hems-watchdog-failed.service", WATCHDOG)
    yield
    pi.check_output("systemctl reset-failed %s", WATCHDOG)
    pi.check_output("systemctl start %s", WATCHDOG)


@pytest.fixture
def lamps(pi: Any, site: dict[str, Any], no_watchdog: None) -> Iterator[Leds]:  # noqa: ARG001
    """The LEDs of a box without an issue."""
    leds = Leds(pi, site)
    leds.report()
    assert until(lambda: leds.read()["blink"] == 0, 10)
    yield leds
    leds.report()


@pytest.fixture
def log(pi: Any, site: dict[str, Any]) -> Iterator[Callable[[str], None]]:
    """Appends a record of a level to Home Assistant's log; the tests' records go at the end."""
    path = site["hems_path_home_assistant_log"]

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


def test_a_healthy_box_shows_two_lights(lamps: Leds) -> None:
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


def test_the_uplinks_light_follows_the_echoes(lamps: Leds) -> None:
    """The cable to the house's router is out, and in again."""
    assert lamps.becomes("internet", True, 10)
    lamps.pi.check_output("virtual-pi-house unplug")
    try:
        assert lamps.becomes("internet", False, 15)
    finally:
        lamps.pi.check_output("virtual-pi-house plug")
    assert lamps.becomes("internet", True, 15)


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
    path = site["hems_path_home_assistant_log"]
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
    expected = KINDS["influxdb_refuses"].blink
    lamps.report("disk_filling", "influxdb_refuses")
    assert until(lambda: lamps.read()["blink"] == expected, 8)
    rows = lamps.flashes(6 * (2.5 + 0.6 * expected))
    assert len(rows) >= 2 and set(rows) == {expected}
    lamps.report()
    assert until(lambda: lamps.read()["blink"] == 0, 8)
    assert not lamps.lit("error")


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


def test_its_user_can_restart_nothing(pi: Any, site: dict[str, Any]) -> None:
    user = pi.check_output(f"systemctl show -P User {UNIT}")
    assert user != pi.check_output(f"systemctl show -P User {WATCHDOG}")
    assert pi.file(site["hems_path_run"]).user != user
    may = f"runuser -u {user} -- sh -c 'exec pkcheck --process $$ --action-id \"$1\"' -"
    for action in ("login1.reboot", "systemd1.manage-units", "NetworkManager.network-control"):
        assert pi.run(f"{may} org.freedesktop.{action}").rc != 0
    for order in (f"systemctl --no-ask-password restart {HOME_ASSISTANT}", "nmcli c up uplink"):
        assert pi.run(f"runuser -u {user} -- {order}").rc != 0


def test_it_reads_the_log_and_no_secret(lamps: Leds, site: dict[str, Any]) -> None:
    inside = f"nsenter --target {lamps.main_pid()} --mount --"
    config, log = (site[f"hems_path_home_assistant_{name}"] for name in ("config", "log"))
    for closed in (config, site["hems_path_secrets"], site["hems_path_zigbee_backups"]):
        assert lamps.pi.check_output(f"{inside} ls -A {closed}") == ""
    user = lamps.pi.check_output(f"systemctl show -P User {UNIT}")
    group = f"setpriv --reuid={user} --regid={user} --groups=homeassistant --"
    assert lamps.pi.run(f"{inside} {group} test -r {config}/zigbee.db").rc != 0
    assert lamps.pi.run(f"{inside} {group} test -r {log}").rc == 0
    assert lamps.pi.run(f"{inside} {group} touch {log}").rc != 0


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
