"""Services that die, hang or can't start: back, or named, within two minutes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Generator
from functools import partial
from typing import Any

import pytest

from tests.appliance.leds_box import Leds
from tests.appliance.watchdog_box import COMPRESSED, UNIT, Watchdog, until

pytestmark = pytest.mark.journal("hems-watchdog")

SERVICES = ["mosquitto", "influxdb", "home-assistant", "nginx", "hems-door", "hass-configurator"]
# The log-in has no file of its own: what a broken hems.toml does is test_watchdog_credentials'.
CONFIGURED = [unit for unit in SERVICES if unit != "hems-door"]
CODES = {
    "mosquitto": "broker_down",
    "influxdb": "influxdb_down",
    "home-assistant": "home_assistant_down",
    "nginx": "door_down",
    "hems-door": "door_login_down",
    "hass-configurator": "editor_down",
}
# With a broken configuration Home Assistant starts half of itself: recovery mode.
NAMED = {unit: {code} for unit, code in CODES.items()}
NAMED["home-assistant"] |= {"home_assistant_recovery"}


@pytest.fixture(scope="module")
def watchdog(pi: Any, site: dict[str, Any]) -> Generator[Watchdog]:
    box = Watchdog(pi, site)
    with box.set(**COMPRESSED):
        assert until(lambda: not set(CODES.values()) & box.codes())
        yield box


@pytest.fixture(scope="module")
def leds(pi: Any, site: dict[str, Any]) -> Leds:
    return Leds(pi, site)


def answers(pi: Any, unit: str) -> bool:
    """Whether a part is up and answers its probe, as `hems status` sees it."""
    seen = json.loads(pi.run("hems status --json").stdout)
    return bool(next(part["ok"] for part in seen["services"] if part["unit"] == f"{unit}.service"))


def main_pid(pi: Any, unit: str) -> str:
    return str(pi.check_output(f"systemctl show -P MainPID {unit}"))


@pytest.fixture(scope="module")
def killed(pi: Any, watchdog: Watchdog) -> dict[str, str]:
    """Every service, killed at the same moment; the process ids that they had."""
    before = {unit: main_pid(pi, unit) for unit in SERVICES}
    watchdog.pi.check_output(f"systemctl kill --signal=KILL {' '.join(SERVICES)}")
    return before


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_that_is_killed_is_back(
    pi: Any, watchdog: Watchdog, killed: dict[str, str], unit: str
) -> None:
    assert until(lambda: main_pid(pi, unit) not in ("0", killed[unit]) and answers(pi, unit))
    assert until(lambda: CODES[unit] not in watchdog.codes())


@pytest.fixture(scope="module")
def hung(pi: Any, watchdog: Watchdog, leds: Leds) -> tuple[dict[str, str], int]:
    """Every service, stopped in its tracks; the process ids, and how long the log was."""
    before = {unit: main_pid(pi, unit) for unit in SERVICES}
    known = len(watchdog.actions())
    pi.check_output(f"systemctl kill --signal=STOP {' '.join(SERVICES)}")
    assert leds.becomes("home_assistant", False, 15)
    return before, known


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_that_hangs_is_restarted_and_the_log_says_why(
    pi: Any, watchdog: Watchdog, leds: Leds, hung: tuple[dict[str, str], int], unit: str
) -> None:
    before, known = hung
    assert until(lambda: main_pid(pi, unit) not in ("0", before[unit]) and answers(pi, unit))
    restart = f"| restart | {unit}.service | 3 misses in a row | does not answer"
    assert any(restart in line for line in watchdog.actions()[known:])
    assert until(lambda: CODES[unit] not in watchdog.codes())
    assert f"restarted {unit}.service" in pi.check_output("hems why")
    if unit == "home-assistant":
        assert leds.becomes("home_assistant", True, 15) and leds.blinks(watchdog.shown)


@pytest.fixture(scope="module")
def broken(pi: Any, watchdog: Watchdog, leds: Leds, site: dict[str, Any]) -> set[str]:
    """Every service with a configuration that it can't start with; the issues that this became."""
    wrong = {
        "/etc/mosquitto/mosquitto.conf": "no_such_option true",
        "/etc/nginx/nginx.conf": "no_such_option on;",
        "/etc/influxdb/config.toml": "engine-path = [",
        f"{site['hems_path_etc']}/configurator.json": "{",
        f"{site['hems_path_home_assistant_config']}/configuration.yaml": "homeassistant: [",
    }
    spoil = [f"cp -a {file} {file}.kept; echo '{line}' >> {file}" for file, line in wrong.items()]
    mend = [f"mv {file}.kept {file}" for file in wrong]
    units = " ".join(CONFIGURED)
    try:
        pi.check_output(f"{'; '.join(spoil)}; systemctl kill --signal=KILL {units}")
        until(lambda: all(NAMED[unit] & watchdog.codes() for unit in CONFIGURED))
        assert watchdog.shown() > 0 and leds.blinks(watchdog.shown)
        return watchdog.codes()
    finally:
        pi.check_output(f"{'; '.join(mend)}; systemctl reset-failed {units}")
        pi.check_output(f"systemctl restart {units}")


@pytest.mark.parametrize("unit", CONFIGURED)
def test_a_service_whose_configuration_is_broken_is_named(
    pi: Any, watchdog: Watchdog, broken: set[str], unit: str
) -> None:
    assert NAMED[unit] & broken
    assert until(lambda: not NAMED[unit] & watchdog.codes() and answers(pi, unit))


def test_a_start_that_hangs_is_named_and_left_to_systemd(pi: Any, watchdog: Watchdog) -> None:
    directory = "/run/systemd/system/influxdb.service.d"
    hangs = "[Service]\nExecStart=\nExecStart=/bin/sleep infinity"
    known = len(watchdog.actions())
    try:
        pi.check_output(f"mkdir -p {directory}")
        pi.run_expect([0], f"cat > {directory}/zz-test.conf <<'END'\n{hangs}\nEND")
        pi.check_output("systemctl daemon-reload; systemctl restart --no-block influxdb")
        assert until(lambda: "influxdb_down" in watchdog.codes())
        assert pi.check_output("systemctl show -P ActiveState influxdb") == "activating"
        assert not until(lambda: watchdog.actions()[known:], 15)
    finally:
        pi.check_output(f"rm -r {directory}; systemctl daemon-reload; systemctl restart influxdb")
    assert until(lambda: "influxdb_down" not in watchdog.codes())


def is_new(pi: Any, unit: str, gone: str) -> bool:
    return main_pid(pi, unit) not in ("0", gone)


def test_a_service_that_ends_again_and_again_is_named_though_it_answers(
    pi: Any, watchdog: Watchdog
) -> None:
    unit = "hass-configurator"
    for _ in range(4):  # once more than the budget
        before = main_pid(pi, unit)
        pi.check_output(f"systemctl kill --signal=KILL {unit}")
        assert until(partial(is_new, pi, unit, before), 30)
    assert until(lambda: ("service_crashing", f"{unit}.service") in watchdog.issues(), 30)
    assert until(lambda: answers(pi, unit) and "editor_down" not in watchdog.codes(), 30)
    assert "service_crashing" in watchdog.codes()
    # A start by hand is a new beginning.
    pi.check_output(f"systemctl restart {unit}")
    assert until(lambda: ("service_crashing", f"{unit}.service") not in watchdog.issues(), 30)


def test_a_second_home_assistant_does_not_touch_the_firsts_directory(
    pi: Any, site: dict[str, Any]
) -> None:
    before = main_pid(pi, "home-assistant")
    user = pi.check_output("systemctl show -P User home-assistant")
    program = f"{site['hems_path_home_assistant']}/current/bin/hass --skip-pip"
    config = site["hems_path_home_assistant_config"]
    second = pi.run(f"runuser -u {user} -- timeout 30 {program} --config {config}")
    assert second.rc == 1 and "already running" in second.stderr
    assert main_pid(pi, "home-assistant") == before


def test_what_a_person_stopped_is_shown_and_left_alone(pi: Any, watchdog: Watchdog) -> None:
    unit = "hass-configurator.service"
    known = len(watchdog.actions())
    pi.check_output(f"systemctl stop {unit}")
    try:
        assert until(lambda: ("service_stopped", unit) in watchdog.issues(), 20)
        assert watchdog.issues()["service_stopped", unit]["severity"] == "notice"
        assert not until(lambda: pi.service(unit).is_running, 8)
    finally:
        pi.check_output(f"systemctl start {unit}")
    assert until(lambda: "service_stopped" not in watchdog.codes(), 30)
    assert watchdog.actions()[known:] == []


def test_work_under_the_lock_is_not_disturbed(
    pi: Any, watchdog: Watchdog, site: dict[str, Any]
) -> None:
    known = len(watchdog.actions())
    with watchdog.locked(site["hems_path_lock"]):
        pi.check_output("systemctl kill --signal=STOP hass-configurator")
        assert until(lambda: "editor_down" in watchdog.codes(), 40)
        assert not until(lambda: watchdog.actions()[known:], 8)
    assert until(lambda: answers(pi, "hass-configurator"))
    assert "restart | hass-configurator.service" in watchdog.actions()[known]


def test_the_watchdog_may_touch_its_units_and_no_others(pi: Any) -> None:
    as_hems = "runuser -u hems -- systemctl --no-ask-password"
    assert pi.run(f"{as_hems} restart ssh.service").rc != 0
    assert pi.run(f"{as_hems} stop mosquitto.service").rc != 0
    assert pi.run(f"{as_hems} restart {UNIT}").rc != 0
    assert pi.run(f"{as_hems} poweroff").rc != 0
    assert pi.run(f"{as_hems} reset-failed hass-configurator.service").rc == 0
    # A signal that changes nothing.
    assert pi.run(f"{as_hems} kill --signal=CONT hass-configurator.service").rc == 0
    assert pi.run(f"{as_hems} kill --signal=CONT ssh.service").rc != 0


def test_the_watchdog_may_ask_whether_the_clock_is_synchronised(
    pi: Any, site: dict[str, Any]
) -> None:
    # Under the unit's own limits: an answer, where a refusal is -1.
    names = ("User", "CapabilityBoundingSet", "SystemCallFilter", "SystemCallErrorNumber")
    limits = [f"{name}={pi.check_output(f'systemctl show -P {name} {UNIT}')}" for name in names]
    assert "clock_settime" not in limits[2].split()
    ask = "from hems.health import vitals; print(vitals.clock_state())"
    python = f"{site['hems_path_opt']}/current/bin/python -I -c"
    options = " ".join(shlex.quote(f"--property={limit}") for limit in limits)
    said = pi.check_output(f"systemd-run --quiet --wait --pipe {options} {python} '{ask}'")
    assert int(said) >= 0
