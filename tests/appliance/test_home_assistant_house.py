"""The house's own sensors follow the meter exactly, and lose no energy that it counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hems.home_assistant import HomeAssistantError

from tests.appliance.home_assistant_client import HomeAssistant
from tests.appliance.influxdb_client import HEMS, Influxdb
from tests.appliance.waiting import IN_TIME, wait_until

if TYPE_CHECKING:
    from tests.appliance.zigbee_box import Device

pytest_plugins = [
    "tests.appliance.home_assistant_fixtures",
    "tests.appliance.influxdb_fixtures",
    "tests.appliance.zigbee_box",
]

UNIT = "home-assistant.service"
pytestmark = pytest.mark.journal(UNIT, "virtual-zigbee.service")

POWER, ENERGY, TODAY = "sensor.hems_power", "sensor.hems_energy", "sensor.hems_energy_today"
STRONG = 36_000  # W: 10 pulses a second; more than the main fuse lets through is doubted
SECONDS = 90  # a report, and a dongle that comes back


@pytest.fixture
def house(meter: Device) -> Iterator[Device]:
    """The meter, and a house that is afterwards as it was."""
    yield meter
    meter.draw("profile")
    meter.mend()


def number(home_assistant: HomeAssistant, entity: str) -> float | None:
    """Return a state's value; None while it has none, or while Home Assistant is restarting."""
    try:
        state = home_assistant.state(entity)
    except HomeAssistantError:
        return None
    return None if state in (None, "unavailable", "unknown") else float(state)


def test_its_values_are_the_meters(
    home_assistant: HomeAssistant, house: Device, site: dict[str, Any]
) -> None:
    """Power is the meter's, and energy counts with it: over an exchange it went on from before."""

    def values(power: str, energy: str) -> tuple[float | None, float | None]:
        return number(home_assistant, power), number(home_assistant, energy)

    def apart(watts: float) -> float | None:
        ours, theirs = values(POWER, ENERGY), values(*meters)
        if None in (*ours, *theirs) or (ours[0], theirs[0]) != (watts, watts):
            return None
        return round(float(ours[1] or 0) - float(theirs[1] or 0), 3)

    meters = (site["hems_meter_power"], site["hems_meter_energy"])
    house.draw(2100)
    wait_until(lambda: apart(2100) is not None, SECONDS, "the house draws 2100 W")
    first, before = apart(2100), number(home_assistant, ENERGY)
    house.draw(2400)
    wait_until(lambda: (number(home_assistant, ENERGY) or 0) > (before or 0), SECONDS, "it counts")
    wait_until(lambda: apart(2400) == first, SECONDS, "energy is as far from the meter's as before")


def test_what_stood_there_before_a_start_is_no_reading(
    home_assistant: HomeAssistant, house: Device, influxdb: Influxdb, pi: Any, site: dict[str, Any]
) -> None:
    """The load is flat: Home Assistant is told of no change, and a report says the same again."""
    house.draw(1500)
    wait_until(lambda: number(home_assistant, POWER) == 1500, SECONDS, "the house draws 1500 W")
    begin = int(pi.check_output("date +%s%N"))
    pi.check_output("systemctl restart %s", UNIT)
    home_assistant.wait_until_ready()
    meters = site["hems_meter_power"]
    wait_until(lambda: number(home_assistant, meters) == 1500, 30, "ZHA shows what it had")
    if not heard(home_assistant, begin):
        assert home_assistant.state(POWER) == "unavailable"
        text = f"SELECT value FROM \"W\" WHERE entity_id = 'hems_power' AND time >= {begin}"
        assert not influxdb.query(HEMS, "home_assistant", text).get("series")
    house.tell("report", house.name)
    wait_until(
        lambda: number(home_assistant, POWER) == 1500, IN_TIME, "a report of the same is one"
    )
    assert home_assistant.state("sensor.hems_meter") == "reading"


def heard(home_assistant: HomeAssistant, begin: int) -> bool:
    """Whether the meter has reported since a time, in ns."""
    last = home_assistant.state("sensor.hems_last_reading")
    try:
        return datetime.fromisoformat(str(last)).timestamp() * 1e9 > begin
    except ValueError:
        return False


@pytest.fixture
def points(influxdb: Influxdb, pi: Any) -> Callable[[], list[float]]:
    """Reads what InfluxDB has got of the house's energy since the test began, in kWh."""
    begin = int(pi.check_output("date +%s%N"))

    def read() -> list[float]:
        text = f"SELECT value FROM \"kWh\" WHERE entity_id = 'hems_energy' AND time >= {begin}"
        result = influxdb.query(HEMS, "home_assistant", text)
        return [row[1] for series in result.get("series", []) for row in series["values"]]

    return read


def test_what_could_not_be_heard_is_neither_lost_nor_a_reset(
    home_assistant: HomeAssistant, house: Device, pi: Any, points: Callable[[], list[float]]
) -> None:
    """Dongle pulled out, Home Assistant restarted meanwhile: the counter carries it over."""
    energy, today = (number(home_assistant, entity) for entity in (ENERGY, TODAY))
    assert energy is not None
    assert today is not None
    house.tell("unplug")
    wait_until(
        lambda: home_assistant.state(ENERGY) == "unavailable", 30, "its energy is unavailable"
    )
    pulses = house.pulses
    house.draw(STRONG)
    pi.check_output("systemctl restart %s", UNIT)
    wait_until(lambda: house.pulses > pulses + 100, 30, "the meter has counted on")
    home_assistant.wait_until_ready()
    assert number(home_assistant, ENERGY) is None, "without its dongle the box knows no energy"
    counted = house.pulses
    house.tell("plug")

    def grown(entity: str, before: float) -> bool:
        value = number(home_assistant, entity)
        return value is not None and value - before >= (counted - pulses) / 1_000

    wait_until(lambda: grown(ENERGY, energy), 2 * SECONDS, "the missing energy is in the total")
    house.draw(0)  # not before: what the reader told nobody, it tells again only after 15 minutes
    counted = house.pulses
    wait_until(lambda: grown(ENERGY, energy), SECONDS, "the last of it is in the total")
    wait_until(lambda: grown(TODAY, today), IN_TIME, "the missing energy is in today's")
    total, of_today = (float(str(home_assistant.state(entity))) for entity in (ENERGY, TODAY))
    assert of_today - today == pytest.approx(total - energy, abs=1e-9)
    wait_until(lambda: total in points(), IN_TIME, "InfluxDB has it")
    stored = points()
    assert stored == sorted(stored), "a counter that goes back would be a reset"
    assert stored[0] >= energy
