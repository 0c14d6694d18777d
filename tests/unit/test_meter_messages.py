"""What the simulated meter says, and how its load and counter are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.virtual.meter.discovery import announcement, farewell, state
from tests.virtual.meter.load import LoadFile, parse
from tests.virtual.meter.profile import household_watts
from tests.virtual.meter.pulses import Meter, Reading
from tests.virtual.meter.simulation import Simulation, load_counter, save_counter


def test_the_device_announces_two_sensors_below_its_own_account() -> None:
    messages = announcement("meter")
    assert [message.topic for message in messages] == [
        "homeassistant/sensor/meter/power/config",
        "homeassistant/sensor/meter/energy/config",
    ]
    assert all(message.retain for message in messages)
    power, energy = (json.loads(message.payload) for message in messages)
    assert (power["default_entity_id"], power["unit_of_measurement"]) == ("sensor.meter_power", "W")
    assert (energy["default_entity_id"], energy["unit_of_measurement"]) == (
        "sensor.meter_energy",
        "kWh",
    )
    assert energy["state_class"] == "total_increasing"
    assert power["force_update"] is True and energy["force_update"] is True
    assert power["availability_topic"] == "hems/meter/status"


def test_a_reading_is_two_messages_that_are_not_kept() -> None:
    messages = state("meter", Reading(1234.56, 7.001))
    assert [(message.topic, message.payload) for message in messages] == [
        ("hems/meter/power", "1234.6"),
        ("hems/meter/energy", "7.001"),
    ]
    assert not any(message.retain for message in messages)


@pytest.mark.parametrize("pulses", [0, 1, 999, 1_000, 1_001, 123_456_789])
def test_kwh_is_written_to_the_last_pulse(pulses: int) -> None:
    payload = state("meter", Reading(0.0, pulses / 1_000))[1].payload
    assert round(float(payload) * 1_000) == pulses


def test_a_device_that_leaves_takes_back_all_that_was_kept() -> None:
    assert {message.topic for message in farewell("bench")} == {
        "homeassistant/sensor/bench/power/config",
        "homeassistant/sensor/bench/energy/config",
        "hems/bench/status",
    }
    assert all(message.retain and not message.payload for message in farewell("bench"))


@pytest.mark.parametrize("word", ["", "much", "-1", "100001", "nan"])
def test_a_load_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="A load is a number of W"):
        parse(word, 1)


def test_the_load_follows_its_file(tmp_path: Path) -> None:
    file = tmp_path / "load"
    told: list[str] = []
    load = LoadFile(file, "300", 1, told.append)
    assert load.watts(0) == 300
    file.write_text("2100\n")
    assert load.watts(0) == 2100
    file.write_text("lots\n")
    assert [load.watts(0), load.watts(1)] == [2100, 2100]
    file.write_text("")
    assert load.watts(0) == 2100
    file.write_text("profile")
    assert load.watts(36_000) == household_watts(36_000, 1)
    assert told == [
        "The load is now 2100 W.",
        "The load stays as it was: "
        "A load is a number of W from 0 to 100000 or 'profile', not 'lots'.",
        "The load is now profile.",
    ]


def test_the_meters_time_may_be_compressed() -> None:
    simulation = Simulation(lambda _: 1_000.0, start=0, speed=60, counter=(100, 0.0))
    assert simulation.run_to(60) == Reading(1_000.0, 1.1), "an hour at 1 kW in a minute"


def test_many_looks_count_the_same_as_one() -> None:
    often = Simulation(household_watts, 25_000, 10, (0, 0.0))
    for tenth in range(1_201):
        often.run_to(tenth / 10)
    once = Simulation(household_watts, 25_000, 10, (0, 0.0))
    once.run_to(120)
    assert often.meter.pulses == once.meter.pulses > 0


def test_the_counter_outlives_the_meters_program(tmp_path: Path) -> None:
    file = tmp_path / "counter"
    assert load_counter(file) == (0, 0.0)
    save_counter(file, Meter(pulses=42, remainder=1.5))
    assert load_counter(file) == (42, 1.5)
    file.write_text("{")
    with pytest.raises(ValueError, match="damaged: remove it"):
        load_counter(file)
