"""Services that die, hang or can't start: back, or named, within two minutes."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import Any

import pytest

from tests.appliance.watchdog_box import COMPRESSED, UNIT, Watchdog, until

pytestmark = pytest.mark.journal("hems-watchdog")

SERVICES = ["mosquitto", "influxdb", "home-assistant", "nginx", "hass-configurator"]
CODES = {
    "mosquitto": "broker_down",
    "influxdb": "influxdb_down",
    "home-assistant": "home_assistant_down",
    "nginx": "door_down",
    "hass-configurator": "editor_down",
}


@pytest.fixture(scope="module")
def watchdog(pi: Any, site: dict[str, Any]) -> Generator[Watchdog]:
    box = Watchdog(pi, site)
    with box.set(**COMPRESSED):
        assert until(lambda: not set(CODES.values()) & box.codes())
        yield box


def answers(pi: Any, unit: str) -> bool:
    """Whether a part is up and answers its probe, as `hems status` sees it."""
    seen = json.loads(pi.run("hems status --json").stdout)
    return bool(next(part["ok"] for part in seen["services"] if part["unit"] == f"{unit}.service"))


def main_pid(pi: Any, unit: str) -> str:
    return str(pi.check_output(f"systemctl show -P MainPID {unit}"))


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_that_is_killed_is_back(pi: Any, watchdog: Watchdog, unit: str) -> None:
    before = main_pid(pi, unit)
    pi.check_output(f"systemctl kill --signal=KILL {unit}")
    assert until(lambda: main_pid(pi, unit) not in ("0", before) and answers(pi, unit))
    assert until(lambda: CODES[unit] not in watchdog.codes())


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_that_hangs_is_restarted_and_the_log_says_why(
    pi: Any, watchdog: Watchdog, unit: str
) -> None:
    before, known = main_pid(pi, unit), len(watchdog.actions())
    pi.check_output(f"systemctl kill --signal=STOP {unit}")
    assert until(lambda: main_pid(pi, unit) not in ("0", before) and answers(pi, unit))
    done = watchdog.actions()[known:]
    assert f"| restart | {unit}.service | 3 misses in a row |" in done[0]
    assert "does not answer" in done[0]
    assert until(lambda: CODES[unit] not in watchdog.codes())
    assert f"restarted {unit}.service" in pi.check_output("hems why")


@pytest.mark.parametrize(
    ("unit", "file", "command"),
    [
        ("mosquitto", "/etc/mosquitto/mosquitto.conf", "echo 'no_such_option true' >> {file}"),
        ("nginx", "/etc/nginx/nginx.conf", "echo 'no_such_option on;' >> {file}"),
        ("influxdb", "/etc/influxdb/config.toml", "echo 'engine-path = [' >> {file}"),
    ],
)
def test_a_service_whose_configuration_is_broken_is_named(
    pi: Any, watchdog: Watchdog, unit: str, file: str, command: str
) -> None:
    pi.check_output(f"cp -a {file} {file}.kept")
    try:
        pi.check_output(command.format(file=file))
        pi.check_output(f"systemctl kill --signal=KILL {unit}")
        assert until(lambda: CODES[unit] in watchdog.codes())
    finally:
        pi.check_output(f"mv {file}.kept {file}")
        pi.check_output(f"systemctl reset-failed {unit}; systemctl restart {unit}")
    assert until(lambda: CODES[unit] not in watchdog.codes())


def test_home_assistant_with_a_broken_configuration_is_named(
    pi: Any, watchdog: Watchdog, site: dict[str, Any]
) -> None:
    file = f"{site['hems_path_home_assistant_config']}/configuration.yaml"
    pi.check_output(f"cp -a {file} {file}.kept")
    try:
        pi.check_output(f"echo 'homeassistant: [' >> {file}")
        pi.check_output("systemctl kill --signal=KILL home-assistant")
        named = {"home_assistant_not_running", "home_assistant_down"}
        assert until(lambda: named & watchdog.codes())
    finally:
        pi.check_output(f"mv {file}.kept {file}; systemctl restart home-assistant")
    assert until(lambda: not named & watchdog.codes())


def test_what_a_person_stopped_is_shown_and_left_alone(pi: Any, watchdog: Watchdog) -> None:
    unit = "hass-configurator.service"
    known = len(watchdog.actions())
    pi.check_output(f"systemctl stop {unit}")
    try:
        assert until(lambda: ("service_stopped", unit) in watchdog.issues(), 20)
        assert watchdog.issues()["service_stopped", unit]["severity"] == "notice"
        assert not until(lambda: pi.service(unit).is_running, 12)
    finally:
        pi.check_output(f"systemctl start {unit}")
    assert until(lambda: "service_stopped" not in watchdog.codes(), 30)
    assert watchdog.actions()[known:] == []


def test_work_under_the_lock_is_not_disturbed(
    pi: Any, watchdog: Watchdog, site: dict[str, Any], run_module: Callable[..., dict[str, Any]]
) -> None:
    lock = {"path": site["hems_path_lock"]}
    known = len(watchdog.actions())
    run_module("appliance_lock", lock | {"work": "rehearsal"})
    try:
        pi.check_output("systemctl kill --signal=STOP hass-configurator")
        assert until(lambda: "editor_down" in watchdog.codes(), 30)
        assert not until(lambda: watchdog.actions()[known:], 10)
    finally:
        run_module("appliance_lock", lock | {"state": "free"})
    assert until(lambda: answers(pi, "hass-configurator"))
    assert "restart | hass-configurator.service" in watchdog.actions()[known]


def test_the_watchdog_may_touch_its_units_and_no_others(pi: Any) -> None:
    as_hems = "runuser -u hems -- systemctl --no-ask-password"
    assert pi.run(f"{as_hems} restart ssh.service").rc != 0
    assert pi.run(f"{as_hems} stop mosquitto.service").rc != 0
    assert pi.run(f"{as_hems} restart {UNIT}").rc != 0
    assert pi.run(f"{as_hems} poweroff").rc != 0
    assert pi.run(f"{as_hems} reset-failed hass-configurator.service").rc == 0
