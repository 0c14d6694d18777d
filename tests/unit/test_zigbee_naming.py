"""Entity ids that last: the same in every language, for every device."""

from __future__ import annotations

import re

import pytest
from hems.zigbee.pairing.energy_prefs import remembered, with_device
from hems.zigbee.pairing.naming import (
    Entity,
    fixed_ids,
    key,
    known_as,
    measures,
    renames,
    slug,
    title,
)

from tests.unit.zha_events import MONITOR, READER, entities

METER = ("sensor.meter_instantaneous_demand", "sensor.meter_summation_delivered")


def given(ieee: str, power: str, energy: str) -> dict[str, str]:
    found = measures(entities(ieee))
    assert found.power and found.energy
    return {found.power.unique_id: power, found.energy.unique_id: energy}


@pytest.mark.parametrize("german", [False, True])
def test_the_ids_do_not_depend_on_the_owners_language(german: bool) -> None:
    wanted = fixed_ids(entities(MONITOR, german=german), "heat_pump")
    assert sorted(wanted.values()) == [
        "button.heat_pump_identify",
        "sensor.heat_pump_ac_frequency",
        "sensor.heat_pump_apparent_power",
        "sensor.heat_pump_current",
        "sensor.heat_pump_power",
        "sensor.heat_pump_power_factor",
        "sensor.heat_pump_summation_delivered",
        "sensor.heat_pump_summation_received",
        "sensor.heat_pump_voltage",
    ]


@pytest.mark.parametrize("german", [False, True])
def test_the_meter_gets_exactly_the_sites_ids(german: bool) -> None:
    fixed = given(READER, *METER)
    wanted = fixed_ids(entities(READER, german=german), "meter", fixed)
    assert set(METER) < set(wanted.values())
    assert "number.meter_pulse_configuration" in wanted.values()
    other = fixed_ids(entities(READER), "meter", given(READER, "sensor.a", "sensor.b"))
    assert {"sensor.a", "sensor.b"} < set(other.values())
    assert not set(METER) & set(other.values())


def test_a_monitor_can_be_the_meter_and_its_other_ids_give_way() -> None:
    wanted = fixed_ids(
        entities(MONITOR), "meter", given(MONITOR, "sensor.meter_current", "sensor.meter_energy")
    )
    assert len(set(wanted.values())) == len(wanted)
    assert "sensor.meter_current_1_2820_rms_current" in wanted.values()


def test_what_a_device_has_twice_is_told_apart_by_endpoint() -> None:
    def plug(endpoint: int) -> Entity:
        return Entity(f"sensor.x_{endpoint}", f"{READER}-{endpoint}-2820", None, "power")

    wanted = fixed_ids([plug(11), plug(2), plug(1)], "strip")
    assert wanted == {
        "sensor.x_1": "sensor.strip_power",
        "sensor.x_2": "sensor.strip_power_2_2820",
        "sensor.x_11": "sensor.strip_power_11_2820",
    }


def test_phases_have_names_of_their_own() -> None:
    """The keys of zha/application/platforms/sensor: the first phase's have no translation key."""
    phases = [
        Entity("sensor.a", f"{MONITOR}-1-2820", None, "power"),
        Entity("sensor.b", f"{MONITOR}-1-2820-active_power_ph_b", "active_power_ph_b", "power"),
        Entity("sensor.c", f"{MONITOR}-1-2820-total_active_power", "total_active_power", "power"),
        Entity("sensor.d", f"{MONITOR}-1-2820-rms_voltage_ph_b", "rms_voltage_ph_b", "voltage"),
    ]
    assert [key(entity) for entity in phases] == [
        "power",
        "active_power_ph_b",
        "total_active_power",
        "rms_voltage_ph_b",
    ]
    power = measures(phases).power
    assert power and power.id == "sensor.c", "all phases together are the house's power"


def test_the_energy_is_what_is_used_of_electricity() -> None:
    monitor = measures(entities(MONITOR))
    assert monitor.energy and key(monitor.energy) == "summation_delivered"
    water = Entity("sensor.w", f"{READER}-2-1794-s", "summation_delivered", "volume", "total")
    fed = Entity("sensor.f", f"{READER}-2-1794-r", "summation_received", "energy", "total")
    hidden = Entity(
        "sensor.h", f"{READER}-2-1794-d", "summation_delivered", "energy", "total", enabled=False
    )
    assert measures([water, fed, hidden]).energy is None


def test_a_name_of_ours_is_known_again() -> None:
    assert known_as(entities(MONITOR, "heat_pump"), "BITUO TECHNIK SPM01X") == "heat_pump"
    assert known_as(entities(MONITOR), "BITUO TECHNIK SPM01X") is None
    assert known_as(entities(MONITOR, german=True), "BITUO TECHNIK SPM01X") is None
    assert known_as((), "x") is None


def test_renaming_never_meets_an_id_in_use() -> None:
    steps = list(renames({"sensor.a": "sensor.b", "sensor.b": "sensor.c", "sensor.d": "sensor.d"}))
    assert steps == [("sensor.b", "sensor.c"), ("sensor.a", "sensor.b")]
    used = {"sensor.a", "sensor.b"}
    for before, after in renames({"sensor.a": "sensor.b", "sensor.b": "sensor.a"}):
        assert before in used and after not in used
        used = used - {before} | {after}
    assert used == {"sensor.a", "sensor.b"}


def test_every_key_fits_into_an_entity_id() -> None:
    for entity in entities(READER) + entities(MONITOR):
        assert re.fullmatch(r"[a-z0-9_]+", key(entity))
    assert slug("frient A/S EMIZB-141") == "frient_a_s_emizb_141"
    assert key(Entity("switch.x", f"{MONITOR}-1-6")) == "switch"
    assert key(Entity("light.x", f"{MONITOR}-1")) == "light"
    assert title("heat_pump") == "Heat pump"


def test_energy_gets_a_device_once() -> None:
    entry = {"stat_consumption": "sensor.heat_pump_summation_delivered", "name": "Heat pump"}
    mine = {"stat_consumption": "sensor.fridge", "name": "Fridge"}
    assert with_device({"device_consumption": [mine]}, {}, entry) == [mine, entry]
    assert with_device({}, {"grid": {}}, entry) == [entry]
    renamed = {**entry, "name": "Wärmepumpe"}
    assert with_device({"device_consumption": [renamed]}, {}, entry) is None
    memory = remembered({"grid": {"power": "x"}}, entry["stat_consumption"])
    assert memory == {"grid": {"power": "x"}, "devices": [entry["stat_consumption"]]}
    assert with_device({}, memory, entry) is None, "what the owner removed stays removed"
    assert remembered(memory, entry["stat_consumption"]) is None
