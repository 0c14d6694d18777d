"""The house's own sensors: what packages/hems makes of a meter's readings."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from tests.unit.modules import ROOT

ROLE = ROOT / "roles/home_assistant"
POWER, ENERGY = "sensor.m_power", "sensor.m_energy"


def variables(name: str) -> Any:
    return yaml.safe_load((ROLE / name).read_text())


@cache
def package(language: str) -> Any:
    """Return packages/hems as the role writes it."""
    ansible = Environment(undefined=StrictUndefined)
    ansible.filters |= {"comment": "# {}".format, "to_json": json.dumps, "regex_escape": re.escape}
    internal = variables("vars/main.yml")
    path = ROLE / "templates/var/lib/home-assistant/packages/hems/hems.yaml.j2"
    text = ansible.from_string(path.read_text()).render(
        ansible_managed="ours",
        home_assistant_recorder_days=10,
        home_assistant_meter_power=POWER,
        home_assistant_meter_energy=ENERGY,
        __home_assistant_entities=internal["__home_assistant_entities"],
        __home_assistant_words=internal["__home_assistant_dictionary"][language],
    )
    return yaml.safe_load(text)


def value(kind: str, state: str, unit: str | None) -> float | None:
    """Return what a sensor of ours has for a state of the meter's; None while it is unavailable."""
    ours = next(s for s in package("en")["template"][0]["sensor"] if s["device_class"] == kind)
    meter = {"power": POWER, "energy": ENERGY}[kind]

    def states(entity: str) -> str:
        assert entity == meter
        return state

    def state_attr(entity: str, name: str) -> str | None:
        assert (entity, name) == (meter, "unit_of_measurement")
        return unit

    def is_number(text: str) -> bool:
        return re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) is not None

    home_assistant = Environment(undefined=StrictUndefined)
    home_assistant.globals |= {"states": states, "state_attr": state_attr, "is_number": is_number}
    if home_assistant.from_string(ours["availability"]).render() != "True":
        return None
    return float(home_assistant.from_string(ours["state"]).render())


@pytest.mark.parametrize("watts", ["0", "0.1", "430", "2100.0", "7999.9", "-1200", "1e3"])
def test_power_is_the_meters(watts: str) -> None:
    assert value("power", watts, "W") == float(watts)


def test_energy_is_the_meters_to_the_pulse() -> None:
    for pulses in [0, 1, 3, 1_750, 34_567_891, 99_999_999]:
        assert value("energy", str(pulses / 1_000), "kWh") == pulses / 1_000
        assert value("energy", str(pulses), "Wh") == pulses / 1_000


def test_other_units_are_understood() -> None:
    assert value("power", "2.3", "kW") == 2300
    assert value("power", "1.001", "kW") == 1001


@pytest.mark.parametrize(
    ("state", "unit"),
    [("unknown", "kWh"), ("unavailable", "kWh"), ("", "kWh"), ("5000", None), ("5000", "m³")],
)
def test_no_value_is_never_zero(state: str, unit: str | None) -> None:
    assert value("energy", state, unit) is None


def test_ids_are_the_same_in_every_language() -> None:
    languages = variables("vars/main.yml")["__home_assistant_dictionary"]
    english = package("en")["template"][0]["sensor"]
    ids = {sensor["default_entity_id"] for sensor in english}
    assert ids == {"sensor.hems_power", "sensor.hems_energy"}
    for language in languages:
        own = package(language)["template"][0]["sensor"]
        assert {sensor["default_entity_id"] for sensor in own} == ids
        assert {sensor["unique_id"] for sensor in own} == {"hems_power", "hems_energy"}
        assert language == "en" or {s["name"] for s in own}.isdisjoint(s["name"] for s in english)


def test_energys_statistics_know_a_counter() -> None:
    classes = {s["device_class"]: s["state_class"] for s in package("en")["template"][0]["sensor"]}
    assert classes == {"power": "measurement", "energy": "total_increasing"}
    today = package("en")["utility_meter"]["hems_energy_today"]
    assert today["source"] == "sensor.hems_energy"
    assert today["periodically_resetting"] is False, "or it loses what it could not hear"
