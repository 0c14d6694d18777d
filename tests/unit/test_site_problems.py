"""Each mistake in a site's variables is one sentence that names the variable."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.unit.modules import ROOT, load_module

module = load_module("playbooks/filter_plugins/site_problems.py")


@pytest.fixture
def site() -> dict[str, Any]:
    """A site as the pilot's inventory describes it, with its templates filled in."""
    variables: dict[str, Any] = {}
    for file in sorted((ROOT / "inventory/pilot/group_vars/all").glob("*.yml")):
        variables |= yaml.safe_load(file.read_text())
    return variables | {
        "hems_site_name": "Cork 1",
        "hems_hostname": "hems-cork-01",
        "hems_ring": "canary",
    }


def test_a_good_site_has_no_problem(site: dict[str, Any]) -> None:
    assert module.site_problems(site) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("hems_ring", "beta", "canary, early, stable"),
        ("hems_time_zone", "Europe/Atlantis", "IANA"),
        ("hems_hostname", "Hems_01", "host name"),
        ("hems_country", "Ireland", "ISO 3166"),
        ("hems_language", "English", "language code"),
        ("hems_currency", "€", "ISO 4217"),
        ("hems_latitude", "51.9", "number from -90 to 90"),
        ("hems_longitude", 181, "number from -180 to 180"),
        ("hems_elevation", True, "metres"),
        ("hems_owner_name", "  ", "not empty"),
        ("hems_owner_username", "a:b", "log-in"),
        ("hems_mqtt_devices", "meter", "list"),
        ("hems_mqtt_devices", ["Meter"], "start with a letter"),
        ("hems_mqtt_devices", ["hems"], "the appliance's own account"),
        ("hems_mqtt_devices", ["meter", "meter"], "twice"),
        ("hems_meter_power", "meter_power", "entity id"),
        ("hems_meter_pulses_per_kwh", 49, "whole number from 50 to 10000"),
        ("hems_meter_pulses_per_kwh", 10_001, "imp/kWh"),
        ("hems_meter_pulses_per_kwh", 500.5, "whole number"),
        ("hems_meter_pulses_per_kwh", "500", "whole number"),
        ("hems_meter_pulses_per_kwh", True, "whole number"),
        ("hems_d2l_enabled", "yes", "true or false"),
        ("hems_zigbee_enabled", "yes", "true or false"),
        ("hems_zigbee_dongle", "ttyUSB0", "/dev/serial/by-id"),
        ("hems_zigbee_dongle", "/dev/my dongle", "without spaces"),
        ("hems_secret_owner_password", "", "8 to 72"),
        ("hems_secret_owner_password", "ä" * 40, "8 to 72"),
        ("hems_secret_door_password", "first\nsecond", "one line"),
        ("hems_secret_influxdb_password", "alllowercase", "three of"),
        ("hems_secret_influxdb_operator_token", "short", "32 to 128"),
        ("hems_secret_mqtt_passwords", {"kettle": "long-enough"}, "hems_mqtt_devices does not"),
        ("hems_secret_mqtt_passwords", ["x"], "map device names"),
        ("hems_port_http", 443, "both 443"),
        ("hems_port_http", 0, "1 to 65535"),
        ("hems_path_etc", "etc/hems", "absolute path"),
    ],
)
def test_each_mistake_is_one_sentence_that_names_it(
    site: dict[str, Any], name: str, value: Any, words: str
) -> None:
    problems = module.site_problems(site | {name: value})
    assert len(problems) == 1
    assert name in problems[0]
    assert words in problems[0]
    assert problems[0].endswith(".") and "\n" not in problems[0]


def test_a_missing_variable_is_named(site: dict[str, Any]) -> None:
    del site["hems_ring"]
    assert module.site_problems(site) == ["hems_ring is missing: set it in the site's host_vars."]


def test_a_refused_secret_is_not_repeated(site: dict[str, Any]) -> None:
    problems = module.site_problems(site | {"hems_secret_influxdb_password": "onlylowercase"})
    assert "onlylowercase" not in " ".join(problems)


@pytest.mark.parametrize("password", ["Spanish-Arch_3", "abcABC123", "ABC_123456"])
def test_influxdb_takes_three_of_four_groups(site: dict[str, Any], password: str) -> None:
    assert module.site_problems(site | {"hems_secret_influxdb_password": password}) == []
