"""A reading's line is the one that Home Assistant's own writer would have written."""

from __future__ import annotations

from typing import Any

import pytest
from hems.history.line import Reading, is_written, line, nanoseconds

AT = 1_764_190_000_123_456_000
POWER = {
    "state_class": "measurement",
    "unit_of_measurement": "W",
    "device_class": "power",
    "friendly_name": "Meter Power",
}


# Each as Home Assistant 2026.10.4 wrote it; tests/appliance/test_history.py asks it anew.
@pytest.mark.parametrize(
    ("entity", "state", "attributes", "expected"),
    [
        (
            "sensor.meter_power",
            "350.5",
            POWER,
            'W,domain=sensor,entity_id=meter_power device_class_str="power",'
            'friendly_name_str="Meter Power",state_class_str="measurement",value=350.5',
        ),
        ("sensor.a", "7", {}, "sensor.a,domain=sensor,entity_id=a value=7"),
        ("sensor.a", "on", {}, 'sensor.a,domain=sensor,entity_id=a state="on",value=1'),
        (
            "sensor.a",
            'say "no" \\',
            {},
            r'sensor.a,domain=sensor,entity_id=a state="say \"no\" \\"',
        ),
        ("sensor.a", "two\nlines", {}, 'sensor.a,domain=sensor,entity_id=a state="two lines"'),
        ("sensor.a", "1e16", {}, "sensor.a,domain=sensor,entity_id=a value=1e+16"),
        (
            "sensor.a",
            "1",
            {"unit_of_measurement": "m³ a,b=c"},
            r"m³\ a\,b=c,domain=sensor,entity_id=a value=1",
        ),
        (
            "sensor.a",
            "1",
            {"unit_of_measurement": "", "value": 5, "x=y": True, "time": "12:30"},
            r'sensor.a,domain=sensor,entity_id=a time_=1230,time_str="12:30",'
            r'unit_of_measurement_str="",value=1,value_=5,x\=y=1',
        ),
        (
            "sensor.a",
            "1",
            {"list": ["a", 1], "none": None, "far": "inf", "version": "v1.25"},
            'sensor.a,domain=sensor,entity_id=a list_str="[\'a\', 1]",none_str="None",'
            'value=1,version=1.25,version_str="v1.25"',
        ),
    ],
)
def test_a_line_is_home_assistants(
    entity: str, state: str, attributes: dict[str, Any], expected: str
) -> None:
    assert line(Reading(entity, AT, state, attributes)) == f"{expected} {AT}"


def test_a_tag_of_its_own_stands_in_its_place() -> None:
    found = line(Reading("sensor.a", AT, "1"), {"bridged": "yes"})
    assert found == f"sensor.a,bridged=yes,domain=sensor,entity_id=a value=1 {AT}"


@pytest.mark.parametrize("state", ["unknown", "unavailable", "", "nan", "-inf"])
def test_what_is_no_reading_is_not_looked_for(state: str) -> None:
    assert not is_written(state)


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (1764190000.123456, 1_764_190_000_123_456_000),
        (1764190000.9999995, 1_764_190_001_000_000_000),  # rounded as a datetime is
        (1764190000.0, 1_764_190_000_000_000_000),
    ],
)
def test_the_time_is_rounded_as_home_assistant_rounds_it(timestamp: float, expected: int) -> None:
    assert nanoseconds(timestamp) == expected
