"""Whatever happens to dongle, line or reader: it recovers by itself, or the box names it.

Recovered means that a new load of the house is read in Home Assistant. The watchdog's time is
compressed, and so is how long the meter may be silent.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.appliance.home_assistant_client import HomeAssistant, wait_until
from tests.appliance.watchdog_box import COMPRESSED, Watchdog
from tests.appliance.zigbee_box import Device, Sensor, zigbee_state
from tests.virtual.meter.load import PROFILE

pytest_plugins = [
    "tests.appliance.home_assistant_fixtures",
    "tests.appliance.influxdb_fixtures",
    "tests.appliance.zigbee_box",
]
pytestmark = pytest.mark.journal("virtual-zigbee", "home-assistant", "hems-watchdog")

SILENCE_SECONDS = 12  # two reports of power that did not come
LOADS = itertools.cycle(range(50_000, 95_000, 1_000))  # W; many pulses a second
PATIENCE_SECONDS = 120.0  # Home Assistant's attempts to set ZHA up come ever more rarely
PULSES_SECONDS = 0.7  # until the reader knows a new load from its pulses
FOR_EVER = "1000000"

Recovers = Callable[[], None]


@pytest.fixture(scope="module")
def watchdog(pi: Any, site: dict[str, Any], meter: Device) -> Iterator[Watchdog]:
    """The watchdog; afterwards the dongle is whole and the house has its course of the day."""
    box = Watchdog(pi, site)
    with box.set(**COMPRESSED | {"meter_silence": SILENCE_SECONDS}):
        yield box
    meter.mend()
    meter.draw(PROFILE)


@pytest.fixture
def recovers(meter: Device, site: dict[str, Any], sensor: Callable[[str], Sensor]) -> Recovers:
    """Shows that the house's power is read."""
    power = sensor(site["hems_meter_power"])
    drawn: list[int] = []

    def is_read() -> bool:
        # What it tells while nobody listens is lost, and told again only when it changes.
        drawn.append(next(LOADS))
        meter.draw(drawn[-1])
        time.sleep(PULSES_SECONDS)
        meter.tell("report", meter.name)
        time.sleep(PULSES_SECONDS)
        return power.value() in drawn

    def new_load_is_read() -> None:
        drawn.clear()
        wait_until(is_read, PATIENCE_SECONDS, "the house's load is read")

    return new_load_is_read


def named(watchdog: Watchdog, code: str) -> None:
    """Wait until the box has an issue."""
    wait_until(lambda: code in watchdog.codes(), PATIENCE_SECONDS, f"{code} is an issue")


def not_named(watchdog: Watchdog, code: str) -> None:
    """Wait until the box does not have an issue."""
    wait_until(lambda: code not in watchdog.codes(), PATIENCE_SECONDS, f"{code} is no issue")


@pytest.fixture(autouse=True)
def mended(meter: Device) -> Iterator[None]:
    """Leave nothing broken to the next test."""
    yield
    meter.mend()


@pytest.mark.parametrize("fault", ["corrupt 3", "drop 3", "deaf 3", "slow 2"])
def test_a_bad_moment_of_the_line_is_not_felt(
    meter: Device, recovers: Recovers, fault: str
) -> None:
    before = meter.status()["resets"]
    kind, amount = fault.split()
    meter.tell(kind, amount)

    def is_over() -> bool:
        recovers()
        return kind == "slow" or meter.status()["faults"][kind] == 0

    wait_until(is_over, PATIENCE_SECONDS, f"the line had all of it: {fault}")
    assert meter.status()["resets"] == before


@pytest.mark.parametrize("fault", ["corrupt", "drop", "deaf"])
def test_a_broken_line_is_named(
    meter: Device, watchdog: Watchdog, recovers: Recovers, fault: str
) -> None:
    meter.tell(fault, FOR_EVER)
    named(watchdog, "zigbee_down")
    meter.tell("mend")
    recovers()
    not_named(watchdog, "zigbee_down")


def test_a_dongle_too_slow_to_start_is_named(
    meter: Device, watchdog: Watchdog, recovers: Recovers
) -> None:
    meter.tell("slow", "12")  # more than Home Assistant waits; while it runs, it is 90 s patient
    meter.tell("ash-error")
    named(watchdog, "zigbee_down")
    meter.tell("mend")
    recovers()
    not_named(watchdog, "zigbee_down")


@pytest.mark.parametrize("fault", ["ash-error", "crash"])
def test_a_dongle_whose_firmware_fails_is_started_anew(
    meter: Device, home_assistant: HomeAssistant, recovers: Recovers, fault: str
) -> None:
    before = meter.status()["resets"]
    meter.tell(fault)
    wait_until(lambda: meter.status()["resets"] > before, PATIENCE_SECONDS, "it is started anew")
    recovers()
    assert zigbee_state(home_assistant) == "loaded"


def test_a_missing_dongle_is_named_and_taken_up_again(
    pi: Any, meter: Device, watchdog: Watchdog, recovers: Recovers
) -> None:
    meter.tell("unplug")
    named(watchdog, "zigbee_dongle_missing")
    assert "The Zigbee dongle is missing" in pi.run("hems status").stdout
    meter.tell("plug")
    recovers()
    not_named(watchdog, "zigbee_dongle_missing")


def test_a_new_dongle_takes_over_the_network(meter: Device, recovers: Recovers) -> None:
    before = meter.status()
    meter.tell("replace", "blank")
    recovers()
    after = meter.status()
    assert (after["network"], after["eui64"]) == (before["network"], before["eui64"])


def test_a_dongle_of_another_network_is_named_and_restored(
    pi: Any, meter: Device, watchdog: Watchdog, recovers: Recovers
) -> None:
    before = meter.status()
    backup = pi.check_output("hems zigbee backup").split()[0]
    meter.tell("replace", "foreign")
    assert meter.status()["network"] != before["network"]
    named(watchdog, "zigbee_down")
    pi.check_output(f"hems zigbee restore {backup}")
    recovers()
    after = meter.status()
    assert (after["network"], after["eui64"]) == (before["network"], before["eui64"])
    not_named(watchdog, "zigbee_down")


def test_a_reader_out_of_range_is_named(
    meter: Device, watchdog: Watchdog, recovers: Recovers
) -> None:
    recovers()
    not_named(watchdog, "meter_silent")
    meter.tell("away", meter.name)
    meter.draw(next(LOADS))  # which it would tell
    named(watchdog, "meter_silent")
    meter.tell("back", meter.name)
    recovers()
    not_named(watchdog, "meter_silent")


def test_a_reader_that_was_reset_is_named_and_paired_again(
    meter: Device, watchdog: Watchdog, recovers: Recovers
) -> None:
    recovers()
    not_named(watchdog, "meter_silent")
    meter.tell("press", meter.name)
    meter.draw(next(LOADS))
    named(watchdog, "meter_silent")
    meter.pair()
    recovers()
    not_named(watchdog, "meter_silent")


def test_an_empty_battery_is_seen(meter: Device, sensor: Callable[[str], Sensor]) -> None:
    for percent in (7, 100):
        meter.tell("battery", meter.name, str(percent))
        meter.tell("report", meter.name)
        sensor(meter.sensor("battery")).wait_for(percent)
