"""Pairing without Home Assistant's user interface, on the real one with simulated devices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests.appliance.home_assistant_client import HomeAssistant, this_pi, wait_until
from tests.appliance.zigbee_box import (
    GONE,
    Device,
    Sensor,
    ieee_of,
    zigbee_ids,
    zigbee_state,
)
from tests.virtual.zigbee import on_pi
from tests.virtual.zigbee.devices.din_rail import SPM01X
from tests.virtual.zigbee.devices.meter_reader import EMIZB_141, ZHEMI101

pytest_plugins = [
    "tests.appliance.home_assistant_fixtures",
    "tests.appliance.influxdb_fixtures",
    "tests.appliance.zigbee_box",
]
FORGET_SECONDS = 30  # zigpy tries so long to tell a deleted device that lies dead to leave

pytestmark = [
    pytest.mark.journal("home-assistant", "hems-pairing"),
    pytest.mark.usefixtures("mains"),  # else it would join whenever joining is open
]


def test_nobody_joins(meter: Device, pi: Any) -> None:
    assert meter.joined
    ran = pi.run("hems zigbee pair --seconds 2")
    assert ran.rc == 1
    assert ran.stderr == (
        "hems: No meter reader joined in time: within a few metres of the dongle, hold its button "
        "until it searches for a network, and pair again.\n"
    )


def test_only_one_pairs_and_ctrl_c_closes_joining(meter: Device, mains: Device, pi: Any) -> None:
    assert meter.joined
    first = "timeout --signal=INT --preserve-status 6 hems zigbee pair --seconds 120"
    ran = pi.run(f"{first} >/tmp/first & sleep 3; hems zigbee pair; wait $!; echo first $?")
    assert "hems: The appliance's lock is held by the pairing of " in ran.stderr
    assert ran.stdout == "first 130\n"
    assert "Joining is open" in pi.check_output("cat /tmp/first; rm /tmp/first")
    mains.tell("press", SPM01X)
    time.sleep(2)
    assert not mains.joined, "joining is still open"
    mains.pair()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--seconds 300", "'300' is not a number from 1 to 254"),
        ("--name Heat-Pump", "'Heat-Pump' must begin with a letter"),
        ("--name hems_x", "not begin with hems"),
    ],
)
def test_a_wrong_argument_is_answered_in_one_line(pi: Any, arguments: str, said: str) -> None:
    ran = pi.run(f"hems zigbee pair {arguments}")
    assert (ran.rc, ran.stdout) == (2, "")
    assert said in ran.stderr and ran.stderr.count("\n") == 1


@pytest.fixture
def energy(home_assistant: HomeAssistant) -> Iterator[dict[str, Any]]:
    """Energy's preferences on a box that has paired no such device yet; given back afterwards."""
    before: dict[str, Any] = home_assistant.call("energy/get_prefs")
    memory = home_assistant.call("frontend/get_system_data", key="hems")["value"]
    fresh = {key: value for key, value in memory.items() if key != "devices"}
    home_assistant.call("frontend/set_system_data", key="hems", value=fresh)
    home_assistant.call("energy/save_prefs", device_consumption=[])
    yield before
    home_assistant.call("energy/save_prefs", device_consumption=before["device_consumption"])
    home_assistant.call("frontend/set_system_data", key="hems", value=memory)


def test_a_second_device_gets_names_and_a_place_in_energy(
    home_assistant: HomeAssistant,
    mains: Device,
    energy: dict[str, Any],
    sensor: Callable[[str], Sensor],
    pi: Any,
) -> None:
    since = time.time_ns()
    devices = [{"stat_consumption": "sensor.fridge_energy", "name": "The owner's fridge"}]
    home_assistant.call("energy/save_prefs", device_consumption=devices)
    mains.tell("press", SPM01X)
    refused = pi.run("hems zigbee pair --name heat_pump --seconds 3")
    assert refused.rc == 1
    assert "is 'mains' already and stays that" in refused.stdout
    forget(home_assistant, "SPM01X")
    try:
        mains.tell("press", SPM01X)
        said = pi.check_output("hems zigbee pair --name heat_pump")
        assert "Its name is 'Heat pump'" in said
        now = home_assistant.call("energy/get_prefs")
        assert now["device_consumption"] == [
            *devices,
            {
                "stat_consumption": "sensor.heat_pump_summation_delivered",
                "stat_rate": "sensor.heat_pump_power",
                "name": "Heat pump",
            },
        ]
        assert now["energy_sources"] == energy["energy_sources"]
        for key, unit in {"power": "W", "voltage": "V", "current": "A"}.items():
            found = sensor(f"sensor.heat_pump_{key}")
            assert found.attributes("unit_of_measurement") == (unit,)
            assert found.value() is not None
            wait_until(partial(stored, found, since), 60, f"{unit} is in InfluxDB")
        # What the owner takes out stays out.
        home_assistant.call("energy/save_prefs", device_consumption=devices)
        mains.tell("press", SPM01X)
        pi.check_output("hems zigbee pair --name heat_pump")
        assert home_assistant.call("energy/get_prefs")["device_consumption"] == devices
    finally:
        forget(home_assistant, "SPM01X")
        mains.tell("press", SPM01X)
        pi.check_output("hems zigbee pair --name mains --no-energy")


def test_a_dead_reader_is_replaced_in_a_house_that_speaks_german(
    home_assistant: HomeAssistant, meter: Device, site: dict[str, Any], pi: Any
) -> None:
    ids = (site["hems_meter_power"], site["hems_meter_energy"])
    before = history(home_assistant, ids[1])
    with german(home_assistant), three_devices(home_assistant, meter):
        meter.tell("away", EMIZB_141)
        meter.tell("press", ZHEMI101)
        refused = pi.run("hems zigbee pair --seconds 30")
        assert refused.rc == 1
        assert "to replace it, add --replace" in refused.stderr
        new = ieee_of(home_assistant, "ZHEMI101")
        assert not any("summation" in one for one in zigbee_ids(home_assistant, new).values())
        meter.tell("press", ZHEMI101)
        said = pi.check_output("hems zigbee pair --replace")
        assert "is deleted; its history continues" in said
        assert set(ids) < set(zigbee_ids(home_assistant, new).values())
        after = history(home_assistant, ids[1])
        assert after[: len(before)] == before
        assert len(after) > len(before)
    again = zigbee_ids(home_assistant, ieee_of(home_assistant, "EMIZB-141"))
    assert set(ids) < set(again.values())


def stored(sensor: Sensor, since: int) -> bool:
    """Return whether there is a point of a sensor since a time in ns."""
    return bool(sensor.points(since))


def history(home_assistant: HomeAssistant, entity: str) -> list[float]:
    """Return an entity's values of the last day; a deleted entity left an empty one."""
    listed = home_assistant.get(f"/api/history/period?filter_entity_id={entity}")
    states = [row["state"] for row in listed[0]]
    return [float(state) for state in states if state not in ("", *map(str, GONE))]


def forget(home_assistant: HomeAssistant, model: str) -> None:
    """Delete a device in Home Assistant, as an owner does in its user interface."""
    ieee = ieee_of(home_assistant, model)
    home_assistant.service("zha", "remove", ieee=ieee)
    wait_until(lambda: not zigbee_ids(home_assistant, ieee), 30, f"{model} is forgotten")


def reload_zigbee(home_assistant: HomeAssistant) -> None:
    """Set ZHA up anew: it reads the words of the owner's language then."""
    entry = home_assistant.get("/api/config/config_entries/entry?domain=zha")[0]["entry_id"]
    home_assistant.http.request(
        "POST",
        f"/api/config/config_entries/entry/{entry}/reload",
        token=home_assistant.token,
        body={},
    )
    wait_until(lambda: zigbee_state(home_assistant) == "loaded", 60, "ZHA is loaded")


@contextmanager
def german(home_assistant: HomeAssistant) -> Iterator[None]:
    """Let Home Assistant speak German."""
    before = home_assistant.get("/api/config")["language"]
    home_assistant.call("config/core/update", language="de")
    try:
        reload_zigbee(home_assistant)
        yield
    finally:
        home_assistant.call("config/core/update", language=before)
        reload_zigbee(home_assistant)


@contextmanager
def three_devices(home_assistant: HomeAssistant, meter: Device) -> Iterator[None]:
    """Put another reader into the house; the old one is the meter again afterwards.

    To change the simulation pulls the dongle out and in.
    """

    def loaded() -> None:
        time.sleep(2)
        wait_until(lambda: zigbee_state(home_assistant) == "loaded", 90, "ZHA is loaded")

    on_pi.install(this_pi(), [EMIZB_141, SPM01X, ZHEMI101])
    try:
        loaded()
        yield
    finally:
        on_pi.install(this_pi())
        loaded()
        meter.mend()
        time.sleep(FORGET_SECONDS)
        meter.tell("press", EMIZB_141)
        meter.pi.check_output("hems zigbee pair --replace")
