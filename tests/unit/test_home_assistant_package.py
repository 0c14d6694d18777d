"""What the role hands to Home Assistant: packages/hems and the integration that it sets up."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from tests.unit.modules import ROOT

ROLE = ROOT / "roles/home_assistant"
POWER, ENERGY = "sensor.m_power", "sensor.m_energy"


@cache
def internal() -> Any:
    return yaml.safe_load((ROLE / "vars/main.yml").read_text())


def unrecorded() -> list[str]:
    """Return the inventory's entities that nobody keeps."""
    site = yaml.safe_load((ROOT / "inventory/pilot/group_vars/all/entities.yml").read_text())
    return list(site["hems_unrecorded_entities"])


LANGUAGES = sorted(internal()["__home_assistant_dictionary"])


@cache
def package(language: str) -> Any:
    """Return packages/hems as the role writes it."""
    ansible = Environment(undefined=StrictUndefined)
    ansible.filters |= {"comment": "# {}".format, "to_json": json.dumps}
    path = ROLE / "templates/var/lib/home-assistant/packages/hems/hems.yaml.j2"
    text = ansible.from_string(path.read_text()).render(
        ansible_managed="ours",
        home_assistant_recorder_days=10,
        home_assistant_meter_power=POWER,
        home_assistant_meter_energy=ENERGY,
        home_assistant_meter_max_power=44000,
        home_assistant_unrecorded=unrecorded(),
        __home_assistant_words=internal()["__home_assistant_dictionary"][language],
    )
    return yaml.safe_load(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_house_is_told_its_meter_and_its_words(language: str) -> None:
    ours = package(language)["hems"]
    assert (ours["power"], ours["energy"], ours["max_power"]) == (POWER, ENERGY, 44000)
    assert ours["names"] == internal()["__home_assistant_dictionary"][language]["sensors"]


def test_every_language_has_every_word() -> None:
    assert LANGUAGES == ["de", "en", "fr", "nl"]
    dictionary = internal()["__home_assistant_dictionary"]
    for language in LANGUAGES:
        words = dictionary[language]
        assert list(words) == list(dictionary["en"])
        assert list(words["sensors"]) == list(dictionary["en"]["sensors"])
        assert len(set(words["days"])) == 7
        assert all(words.values())
        same = {key for key in words if words[key] == dictionary["en"][key]}
        assert language == "en" or same <= {"decimal"}


def test_every_sensor_has_a_name() -> None:
    code = (ROLE / "files/custom_components/hems/sensor.py").read_text()
    keys = {line.split('"')[1] for line in code.splitlines() if line.strip().startswith("_key =")}
    assert keys - {""} == set(internal()["__home_assistant_dictionary"]["en"]["sensors"])


def test_the_whole_integration_is_handed_over() -> None:
    files = (ROLE / "files/custom_components").rglob("*")
    there = {str(path.relative_to(ROLE / "files")) for path in files if path.suffix != ".pyc"}
    named = internal()["__home_assistant_code"]
    assert {name for name in there if "." in name.rsplit("/", 1)[1]} == set(named)
    assert (
        "{{ home_assistant_config }}/custom_components/hems"
        in (internal()["__home_assistant_depends_on"])
    )


def test_what_changes_all_the_time_is_kept_nowhere() -> None:
    left_out = unrecorded()
    assert "sensor.hems_last_reading" in left_out
    assert package("en")["recorder"]["exclude"]["entities"] == left_out
    assert package("en")["influxdb"]["exclude"]["entities"] == left_out
    assert not set(left_out) & set(internal()["__home_assistant_entities"].values())
