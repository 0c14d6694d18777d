"""From a blank dongle to kilowatt-hours in InfluxDB, and no pulse of the meter is lost on the way.

The Pi's dongle was blank when its play began and nothing was paired: what is here was made by the
playbook and by ``hems zigbee pair``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from tests.appliance.home_assistant_client import HomeAssistant, wait_until
from tests.appliance.zigbee_box import SECONDS, Device, Sensor, zigbee_state
from tests.virtual.meter.load import MOST_WATTS, PROFILE
from tests.virtual.meter.pulses import PULSES_PER_KWH

pytest_plugins = [
    "tests.appliance.home_assistant_fixtures",
    "tests.appliance.influxdb_fixtures",
    "tests.appliance.zigbee_box",
]
pytestmark = pytest.mark.journal("virtual-zigbee", "home-assistant", "influxdb")

POWER, ENERGY = "sensor.hems_power", "sensor.hems_energy"  # the house's, from the meter's own
WATTS = 2_300
ENOUGH_PULSES = 1_000
KIND = ("unit_of_measurement", "device_class", "state_class")

Find = Callable[[str], Sensor]


@pytest.fixture(scope="module", autouse=True)
def household(meter: Device) -> Iterator[None]:
    """Leave the house with its own course of the day."""
    yield
    meter.draw(PROFILE)


@pytest.fixture
def begin(pi: Any) -> int:
    """The Pi's time in ns."""
    return int(pi.check_output("date +%s%N"))


def test_the_meters_power_is_in_home_assistant_and_influxdb(
    meter: Device, site: dict[str, Any], sensor: Find, begin: int
) -> None:
    meter.draw(WATTS)
    for entity in (site["hems_meter_power"], POWER):
        assert sensor(entity).attributes(*KIND) == ("W", "power", "measurement")
        sensor(entity).wait_for(WATTS)
        sensor(entity).wait_for_point(WATTS, begin)


def test_the_meters_energy_is_in_home_assistant_and_influxdb(
    meter: Device, site: dict[str, Any], sensor: Find, begin: int
) -> None:
    meter.draw(MOST_WATTS)
    time.sleep(1)
    meter.draw(0)
    time.sleep(1)
    kwh = meter.pulses / PULSES_PER_KWH
    meter.tell("report", meter.name)
    for entity in (site["hems_meter_energy"], ENERGY):
        assert sensor(entity).attributes(*KIND) == ("kWh", "energy", "total_increasing")
        sensor(entity).wait_for(kwh)
        sensor(entity).wait_for_point(kwh, begin)


def test_the_second_device_gives_power_voltage_current_and_energy(
    mains: Device, sensor: Find, begin: int
) -> None:
    mains.draw(WATTS)
    time.sleep(1)
    mains.tell("report", mains.name)
    # 230 V less 0.4 mV a watt, and the current of a load whose power factor is 1.
    for key, unit, value in (
        ("power", "W", 2_300),
        ("voltage", "V", 229.08),
        ("current", "A", 10.04),
    ):
        found = sensor(mains.sensor(key))
        assert found.attributes("unit_of_measurement") == (unit,)
        near = pytest.approx(value, abs=0.005)
        found.wait_for(near)
        found.wait_for_point(near, begin)
    mains.draw(MOST_WATTS)
    time.sleep(2)
    mains.draw(0)
    time.sleep(1)
    kwh = mains.pulses // 10 / 100  # it counts hundredths
    mains.tell("report", mains.name)
    energy = sensor(mains.sensor("summation_delivered"))
    energy.wait_for(kwh)
    energy.wait_for_point(kwh, begin)


def test_no_pulse_is_lost_whatever_comes_between(
    pi: Any, meter: Device, home_assistant: HomeAssistant, sensor: Find, begin: int
) -> None:
    energy = sensor(meter.sensor("summation_delivered"))
    first = meter.pulses
    told = []

    def count_while(*acts: Callable[[], object], anew: bool = True) -> None:
        """Go on counting while something happens, until what was counted meanwhile is read."""
        before = meter.status()
        for act in acts:
            act()

        def is_used() -> bool:
            now = meter.status()
            used = now["host"] and (now["resets"] != before["resets"] or not anew)
            return used and zigbee_state(home_assistant) == "loaded"

        def is_read() -> bool:
            meter.tell("report", meter.name)
            return (energy.value() or 0.0) >= meanwhile / PULSES_PER_KWH

        wait_until(is_used, SECONDS, "the dongle is used")
        meanwhile = meter.pulses
        assert meanwhile > before["pulses"]
        wait_until(is_read, SECONDS, "the pulses are read")
        told.append(meanwhile)

    def is_missed() -> None:
        def waits() -> bool:
            return zigbee_state(home_assistant) == "setup_retry"

        wait_until(waits, SECONDS, "Home Assistant waits for the dongle")

    meter.draw(MOST_WATTS)  # nearly 28 pulses a second
    count_while(
        partial(pi.check_output, "systemctl restart home-assistant.service"),
        home_assistant.wait_until_ready,
    )
    count_while(partial(meter.tell, "ash-error"))
    count_while(partial(meter.tell, "unplug"), is_missed, partial(meter.tell, "plug"))
    count_while(
        partial(meter.tell, "away", meter.name),
        partial(meter.tell, "report", meter.name),  # which nobody hears
        partial(time.sleep, 5),
        partial(meter.tell, "back", meter.name),
        anew=False,
    )
    wait_until(lambda: meter.pulses - first > ENOUGH_PULSES, SECONDS, "1000 pulses have come")
    meter.draw(0)
    time.sleep(1)
    pulses = meter.pulses
    # What is told now, it tells by itself.
    for entity in (energy, sensor(ENERGY)):
        entity.wait_for(pulses / PULSES_PER_KWH)
        entity.wait_for_point(pulses / PULSES_PER_KWH, begin)
        values = entity.points(begin)
        assert all(before <= after for before, after in pairwise(values)), values
        assert values == [round(value * PULSES_PER_KWH) / PULSES_PER_KWH for value in values]
        assert len(set(values)) > len(told)
    assert meter.pulses == pulses
