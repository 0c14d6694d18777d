"""A meter whose LED does not flash 1000 times a kWh: its reader is told when it is paired."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.appliance.home_assistant_client import HomeAssistant
from tests.appliance.zigbee_box import Device, Sensor, ieee_of
from tests.virtual.meter.load import PROFILE
from tests.virtual.zigbee.devices.meter_reader import EMIZB_141

pytest_plugins = [
    "tests.appliance.home_assistant_fixtures",
    "tests.appliance.influxdb_fixtures",
    "tests.appliance.zigbee_box",
]
WATTS = 36_000  # ten flashes a second: the reader knows them at once

pytestmark = [
    pytest.mark.journal("home-assistant", "virtual-zigbee"),
    pytest.mark.usefixtures("mains"),  # else it would join whenever joining is open
]


def test_the_reader_counts_by_the_meters_constant(
    home_assistant: HomeAssistant, meter: Device, sensor: Callable[[str], Sensor], pi: Any
) -> None:
    power = sensor("sensor.hems_power")
    meter.draw(WATTS)
    try:
        meter.tell("press", EMIZB_141)
        said = pi.check_output("hems zigbee pair --pulses 500")
        assert f"It reports {2 * WATTS} W, " in said
        assert " kWh at 500 imp/kWh.\n" in said
        power.wait_for(2 * WATTS)
    finally:
        meter.tell("press", EMIZB_141)
        said = pi.check_output("hems zigbee pair")
        meter.draw(0)
        time.sleep(1)
        show_the_meters_own(home_assistant, meter)
        meter.draw(PROFILE)
    assert f"It reports {WATTS} W, " in said
    assert " kWh at 1000 imp/kWh.\n" in said


def show_the_meters_own(home_assistant: HomeAssistant, meter: Device) -> None:
    """Let the reader show what the meter has counted, which other tests rely on."""
    home_assistant.service(
        "zha",
        "set_zigbee_cluster_attribute",
        ieee=ieee_of(home_assistant, "EMIZB-141"),
        endpoint_id=2,
        cluster_id=0xFD10,  # in its quirk, the maker's half of Metering
        attribute="current_summation",
        value=meter.pulses,  # Wh
    )
