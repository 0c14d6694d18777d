"""Where the watchdog stops, how it is watched itself, and what Home Assistant is told."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pytest

from tests.appliance.leds_box import Leds
from tests.appliance.watchdog_box import COMPRESSED, UNIT, Watchdog, booted, until

pytestmark = pytest.mark.journal("hems-watchdog")

HOME_ASSISTANT = "home-assistant.service"
# Takes connections, as a Home Assistant whose event loop hangs does, and never says a word.
DEAF = """import socket, time
server = socket.create_server(("127.0.0.1", {port}))
while True:
    time.sleep(3600)
"""
# Less than on a box, so that the end is reached sooner.
LIMITS = {"misses": 2, "budget": 2, "start_home_assistant": 3, "hotspot": 3}
# There is no radio here: NetworkManager's bridge of this name passes for an access point. All the
# rest, the order to take it down too, is the real nmcli.
RADIO = """#!/bin/sh
case "$*" in
  *802-11-wireless.mode*) echo ap ;;
  *--fields*) /usr/bin/nmcli "$@" | sed '/:Hotspot$/s/:bridge:/:802-11-wireless:/' ;;
  *) exec /usr/bin/nmcli "$@" ;;
esac
"""


@pytest.fixture(scope="module")
def watchdog(pi: Any, site: dict[str, Any]) -> Generator[Watchdog]:
    box = Watchdog(pi, site)
    with box.set(**COMPRESSED | LIMITS):
        assert until(lambda: "home_assistant_down" not in box.codes())
        yield box


@pytest.fixture
def drop_in(pi: Any) -> Generator[Callable[[str, str], None]]:
    """Gives a unit other settings until the test's end."""
    written = []

    def write(unit: str, text: str) -> None:
        directory = f"/run/systemd/system/{unit}.d"
        pi.check_output(f"mkdir -p {directory}")
        pi.run_expect([0], f"cat > {directory}/zz-test.conf <<'END'\n{text}\nEND")
        pi.check_output(f"systemctl daemon-reload; systemctl restart {unit}")
        written.append((unit, directory))

    yield write
    for unit, directory in written:
        pi.check_output(f"rm -r {directory}; systemctl daemon-reload")
        pi.check_output(f"systemctl reset-failed {unit}; systemctl restart {unit}")


def entity(pi: Any, site: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an entity's state, from Home Assistant's own mouth."""
    url = f"http://127.0.0.1:{site['hems_port_home_assistant']}/api/states/{name}"
    token = f"{site['hems_path_secrets']}/home_assistant_token"
    # Put together on the Pi, so that the token is in no process list.
    header = f"printf 'header = \"Authorization: Bearer '; tr -d '\\n' < {token}; echo '\"'"
    ran = pi.run(f"{{ {header}; }} | curl --silent --max-time 5 --config - {url}")
    found: dict[str, Any] = json.loads(ran.stdout or "{}")
    return found


def main_pid(pi: Any) -> str:
    return str(pi.check_output(f"systemctl show -P MainPID {UNIT}"))


def is_gone(pi: Any, pid: str) -> bool:
    return main_pid(pi) != pid


def test_home_assistant_shows_how_the_box_is(
    pi: Any, site: dict[str, Any], watchdog: Watchdog
) -> None:
    unit = "hass-configurator.service"

    def state(name: str) -> Any:
        return entity(pi, site, name).get("state")

    pi.check_output(f"systemctl stop {unit}")
    try:
        assert until(lambda: ("service_stopped", unit) in watchdog.issues(), 30)

        def listed() -> bool:
            shown = entity(pi, site, "sensor.hems_health").get("attributes", {})
            return "service_stopped" in {item["code"] for item in shown.get("issues", [])}

        assert until(listed, 30)
    finally:
        pi.check_output(f"systemctl start {unit}")
    assert until(lambda: not listed(), 30)
    assert state("sensor.hems_health") in {"ok", "notice", "warning", "critical"}
    assert state("binary_sensor.hems_problem") in {"on", "off"}


def test_a_home_assistant_that_listens_but_never_answers_is_given_up(
    pi: Any, site: dict[str, Any], watchdog: Watchdog, drop_in: Callable[[str, str], None]
) -> None:
    known = len(watchdog.actions())
    program = "/run/hems-deaf.py"
    text = DEAF.format(port=site["hems_port_home_assistant"])
    pi.run_expect([0], f"cat > {program} <<'END'\n{text}END")
    drop_in(HOME_ASSISTANT, f"[Service]\nExecStart=\nExecStart=/usr/bin/python3 {program}")
    assert until(lambda: ("service_given_up", HOME_ASSISTANT) in watchdog.issues())
    leds = Leds(pi, site)
    assert leds.becomes("home_assistant", False, 15) and leds.blinks(watchdog.shown)
    assert "home_assistant_down" in watchdog.codes()
    # Given up means that no third restart comes.
    assert not until(lambda: len(watchdog.actions()[known:]) > 2, 18)
    restarts = [line for line in watchdog.actions()[known:] if "| restart |" in line]
    assert len(restarts) == 2
    assert all("does not answer" in line for line in restarts)


def test_what_was_given_up_and_comes_back_is_well_again(
    pi: Any, site: dict[str, Any], watchdog: Watchdog
) -> None:
    # The drop-in of the test before is gone.
    assert until(lambda: not {"service_given_up", "home_assistant_down"} & watchdog.codes())
    assert Leds(pi, site).becomes("home_assistant", True, 15)


def test_a_hotspot_that_is_left_open_is_stopped(pi: Any, watchdog: Watchdog) -> None:
    known, program = len(watchdog.actions()), "/usr/local/bin/nmcli"
    active = "/usr/bin/nmcli --terse --fields NAME connection show --active"
    begin = pi.check_output("date '+%s'")
    pi.run_expect([0], f"cat > {program} <<'END'\n{RADIO}END\nchmod 0755 {program}")
    bridge = "type bridge ifname hotspot0 con-name Hotspot autoconnect no"
    try:
        pi.check_output(f"nmcli connection add {bridge} ipv4.method disabled ipv6.method disabled")
        pi.check_output("nmcli connection up Hotspot")
        assert "Hotspot" in pi.check_output(active)
        assert until(lambda: "Hotspot" not in pi.check_output(active), 30)
    finally:
        pi.check_output(f"rm {program}; nmcli connection delete Hotspot")
    (line,) = watchdog.actions()[known:]
    assert "| stop hotspot | hotspot | it was left open | active for" in line
    said = pi.check_output(f"journalctl -u NetworkManager --since @{begin} -o cat")
    user = pi.check_output("id -u hems")
    assert re.search(rf'op="connection-deactivate".*"Hotspot".*uid={user} result="success"', said)


def test_a_credential_that_is_replaced_is_used_at_once(
    pi: Any, site: dict[str, Any], watchdog: Watchdog
) -> None:
    known = len(watchdog.actions())
    file = f"{site['hems_path_secrets']}/influxdb_token_hems"
    pi.check_output(f"cp -a {file} {file}.kept; cp -a {file} {file}.new; echo wrong > {file}.new")
    try:
        pi.check_output(f"mv {file}.new {file}")
        assert until(lambda: "influxdb_refuses" in watchdog.codes(), 30)
        assert Leds(pi, site).blinks(watchdog.shown)
    finally:
        pi.check_output(f"mv {file}.kept {file}")
    assert until(lambda: "influxdb_refuses" not in watchdog.codes(), 30)
    # A refused token is no reason to restart InfluxDB.
    assert watchdog.actions()[known:] == []


def test_no_secret_is_in_the_journal(pi: Any, site: dict[str, Any]) -> None:
    secrets = f"cat {site['hems_path_secrets']}/*"
    assert len(pi.check_output(secrets).split()) > 5
    hidden = f"journalctl --no-pager -o cat -u 'hems-*' | grep -cF -f <({secrets})"
    assert pi.run(f"bash -c {shlex.quote(hidden)}").stdout.strip() == "0"


def test_a_release_that_was_installed_and_does_not_run_is_started(
    pi: Any, site: dict[str, Any]
) -> None:
    root = site["hems_path_home_assistant"]
    version = pi.check_output(f"readlink {root}/current")
    box = Watchdog(pi, site)
    try:
        with box.set(**COMPRESSED | {"grace": 4}):
            assert until(lambda: "home_assistant_down" not in box.codes())
            known = len(box.actions())
            # The same release under the name of a later one: what runs can't be what is installed.
            pi.check_output(f"ln -s {version} {root}/9999.1.0; ln -sfn 9999.1.0 {root}/current")
            assert until(lambda: "home_assistant_version" in box.codes())
            assert until(lambda: box.actions()[known:])
            line = box.actions()[known]
            assert f"| restart | {HOME_ASSISTANT} | another version runs" in line
            assert f"{version} runs, 9999.1.0 is installed" in line
            written = pi.file(f"{site['hems_path_state']}/version.txt").content_string
            assert f"{version} runs, 9999.1.0 is installed" in written
            # A restart that did not help is not repeated for ever.
            assert not until(lambda: len(box.actions()) > known + 1, 18)
    finally:
        # Started anew: what a running one has read is not known to be what the link leads to now.
        pi.check_output(f"ln -sfn {version} {root}/current; rm -f {root}/9999.1.0")
        pi.check_output(f"systemctl restart {HOME_ASSISTANT}")
    assert until(lambda: "home_assistant_version" not in box.codes())


def test_in_a_dry_run_it_only_says_what_it_would_do(
    pi: Any, site: dict[str, Any], journal: Callable[[str], str]
) -> None:
    box = Watchdog(pi, site)
    with box.set(**COMPRESSED | LIMITS, dry_run="true"):
        known = len(box.actions())
        pi.check_output("systemctl kill --signal=STOP hass-configurator")
        try:
            words = "dry run, would restart hass-configurator.service: 2 misses in a row"
            assert until(lambda: words in journal(UNIT), 40)
            assert box.actions()[known:] == []
        finally:
            pi.check_output("systemctl kill --signal=CONT hass-configurator")


def test_a_watchdog_that_hangs_is_restarted(pi: Any, drop_in: Callable[[str, str], None]) -> None:
    drop_in(UNIT, "[Service]\nWatchdogSec=10")
    before = main_pid(pi)
    pi.check_output(f"systemctl kill --signal=STOP {UNIT}")
    assert until(lambda: main_pid(pi) not in ("0", before), 40)
    assert until(lambda: pi.check_output(f"systemctl show -P ActiveState {UNIT}") == "active", 20)


def test_a_watchdog_that_fails_too_often_gets_a_new_start_soon_after_boot(
    pi: Any, site: dict[str, Any]
) -> None:
    script = "/usr/local/sbin/hems-watchdog-failed"
    recent = "/run/hems-watchdog-failed/recent"
    box = Watchdog(pi, site)
    # Whatever this box's uptime, it shall not be rebooted here.
    edits = r"""s/"$up" -ge [0-9]*/"$up" -ge 99999999/"""
    pi.check_output(f"cp -a {script} {script}.kept && sed -i '{edits}' {script}")
    # The log takes one such line a day: none is left of a run before.
    pi.check_output(f"rm -f {recent}; sed -i '/| restart | {UNIT} |/d' {box.log}")
    before = booted(pi)

    def failed() -> list[str]:
        return [line for line in box.actions() if f"| restart | {UNIT} |" in line]

    try:
        box.restart()
        for _ in range(3):
            assert failed() == []
            # One that never became ready is no reason for a reboot, and would not show the limit.
            assert until(lambda: pi.service(UNIT).is_running, 30)
            gone = main_pid(pi)
            pi.check_output(f"systemctl kill --signal=KILL {UNIT}")
            assert until(partial(is_gone, pi, gone), 30)
        assert until(failed, 30)
        assert "failed three times in 10 min | signal, up for" in failed()[0]
        assert [line.split()[1] for line in pi.file(recent).content_string.splitlines()] == [
            "ill"
        ] * 3
        assert until(lambda: pi.service(UNIT).is_running, 30)
        assert booted(pi) == before
    finally:
        pi.check_output(f"mv {script}.kept {script}; rm -f {recent}")
