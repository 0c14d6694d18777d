"""The house's numbers in Home Assistant's own engine: units, lone readings, restarts, clocks.

The meter is one of this test's; the box's own Home Assistant is left alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Seen = list[dict[str, Any]]
Run = Callable[..., Seen]
TODAY = "sensor.hems_energy_today"
GONE = "unavailable"


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(scope="module")
def engine(pi: Any, site: dict[str, Any]) -> Run:
    """Gives the integration steps, and returns what its sensors show after each of them."""
    program = packed((Path(__file__).parent / "house_engine.py").read_text())
    python = f"{site['hems_path_home_assistant']}/current/bin/python"
    components = f"{site['hems_path_home_assistant_config']}/custom_components"

    def run(*steps: list[Any]) -> Seen:
        script = (
            f"cd /tmp && echo {program} | base64 -d >house_engine.py && "
            f"echo {packed(json.dumps(steps))} | base64 -d | "
            f"{python} -B house_engine.py {components}; code=$?; rm house_engine.py; exit $code"
        )
        return [json.loads(line) for line in pi.check_output(script).splitlines()]

    return run


@pytest.fixture(scope="module")
def units(pi: Any, site: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Every unit of energy and power that Home Assistant allows, and what a kWh, or W, is in it."""
    python = f"{site['hems_path_home_assistant']}/current/bin/python"
    code = (
        "import json;"
        "from homeassistant.util.unit_conversion import EnergyConverter, PowerConverter;"
        "both = {'energy': (EnergyConverter, 'kWh'), 'power': (PowerConverter, 'W')};"
        "print(json.dumps({kind: {unit: one.convert(1, base, unit) for unit in one.VALID_UNITS}"
        " for kind, (one, base) in both.items()}))"
    )
    found: dict[str, dict[str, float]] = json.loads(pi.check_output("%s -B -c %s", python, code))
    return found


def number(seen: dict[str, Any], key: str) -> float:
    return float(seen[key][0])


@pytest.mark.parametrize("kind", ["energy", "power"])
def test_every_unit_is_converted(
    engine: Run, units: dict[str, dict[str, float]], kind: str
) -> None:
    assert {"kWh", "MWh", "MJ", "GJ", "cal"} <= set(units["energy"])
    assert {"W", "kW", "MW", "BTU/h"} <= set(units["power"])
    steps: list[list[Any]] = [[kind, "unknown", None]]
    for unit, one in units[kind].items():
        steps += [[kind, 156.97 * one, unit]]
    for unit, seen in zip(units[kind], engine(*steps)[1:], strict=True):
        assert number(seen, kind) == pytest.approx(156.97, abs=0.002), unit
        assert seen["readings_dropped"][0] == "0", unit


@pytest.mark.parametrize("unit", ["m³", None, "%"])
def test_what_is_no_energy_is_none(engine: Run, unit: str | None) -> None:
    last = engine(["energy", "unknown", "kWh"], ["energy", "5000", unit])[-1]
    assert (last["energy"][0], last["energy_today"][0]) == (GONE, GONE)


def test_nothing_the_owner_changes_reaches_the_counter(engine: Run) -> None:
    seen = engine(
        ["energy", "unknown", "kWh"],
        ["energy", "156.84", "kWh"],
        ["energy", "156.97", "kWh"],
        ["unit", "sensor.hems_energy", "Wh"],
        ["energy", "156.98", "kWh"],
        ["unit", "sensor.hems_energy", "kWh"],
        ["unit", TODAY, "MJ"],
        ["rename", "sensor.hems_energy", "sensor.mine"],
        ["energy", "156.99", "kWh"],
        ["unit", TODAY, "kWh"],
        ["restart"],
        ["energy", "unknown", "kWh"],
        ["energy", "157.00", "kWh"],
    )
    assert number(seen[3], "energy") == 156970
    assert number(seen[4], "energy_today") == pytest.approx(0.14)
    assert seen[8]["energy_today"][1] == "MJ"
    assert number(seen[8], "energy_today") == pytest.approx(0.15 * 3.6, abs=0.01)
    assert number(seen[9], "energy_today") == pytest.approx(0.15)
    assert number(seen[-1], "energy_today") == pytest.approx(0.16)
    assert number(seen[-1], "energy") == pytest.approx(157)


def test_a_lone_0_is_dropped_counted_and_shown(engine: Run) -> None:
    seen = engine(
        ["energy", "unknown", "kWh"],
        ["energy", "156.84", "kWh"],
        ["energy", "156.97", "kWh"],
        ["energy", "0", "kWh"],
        ["energy", "156.98", "kWh"],
    )
    assert [number(one, "energy") for one in seen[2:]] == [156.97, 156.97, 156.98]
    assert [number(one, "energy_today") for one in seen[2:]] == [0.13, 0.13, 0.14]
    assert [one["readings_dropped"][0] for one in seen[2:]] == ["0", "0", "1"]


def test_a_meter_that_was_exchanged_is_no_consumption(engine: Run) -> None:
    last = engine(
        ["energy", "unknown", "kWh"],
        ["energy", "156.97", "kWh"],
        ["energy", "3", "kWh"],
        ["energy", "3.02", "kWh"],
    )[-1]
    assert (number(last, "energy"), number(last, "energy_today")) == (156.99, 0.02)
    assert last["readings_dropped"][0] == "0"


def test_a_meter_that_begins_higher_is_no_consumption(engine: Run) -> None:
    seen = engine(
        ["energy", "unknown", "kWh"],
        ["energy", "156.84", "kWh"],
        ["energy", "156.97", "kWh"],
        ["energy", "8431.2", "kWh"],
        ["energy", "8431.5", "kWh"],
    )
    assert [number(one, "energy") for one in seen[2:]] == [156.97, 156.97, 157.27]
    assert [number(one, "energy_today") for one in seen[2:]] == [0.13, 0.13, 0.43]


def test_a_reader_that_says_0_twice_is_no_other_meter(engine: Run) -> None:
    seen = engine(
        ["energy", "unknown", "kWh"],
        ["energy", "156.97", "kWh"],
        ["energy", "0", "kWh"],
        ["energy", "0.0", "kWh"],
        ["energy", "156.98", "kWh"],
    )
    assert [number(one, "energy") for one in seen[1:]] == [156.97, 156.97, 156.97, 156.98]
    assert seen[-1]["readings_dropped"][0] == "1"


def test_a_box_of_an_earlier_release_goes_on_with_its_day(engine: Run) -> None:
    """Templates and a utility meter made the sensors: ids, units and the day's energy stay."""
    seen = engine(
        ["earlier-release"],
        ["power", "430", "W"],
        ["energy", "156.84", "kWh"],
        ["energy", "156.97", "kWh"],
        ["unit", TODAY, "Wh"],
        ["rename", "sensor.hems_power", "sensor.mine"],
        ["restart"],
        ["energy", "unknown", "kWh"],
        ["energy", "157", "kWh"],
    )
    assert number(seen[2], "energy_today") == pytest.approx(0.13)
    assert seen[3]["energy_today"] == ["130.0", "Wh"]
    assert seen[-2]["energy_today"][0] == GONE
    assert (number(seen[-1], "energy"), seen[-1]["energy_today"][1]) == (157, "Wh")
    assert number(seen[-1], "energy_today") == pytest.approx(160), "0.13 kWh before, 0.03 since"


def test_what_was_there_before_a_start_is_no_reading(engine: Run) -> None:
    seen = engine(
        ["power", "430", "W"],
        ["energy", "156.97", "kWh"],
        ["power", "431", "W"],
        ["energy", "156.98", "kWh"],
        ["restart"],
        ["power", "431", "W"],
        ["energy", "156.98", "kWh"],
        ["power", "431", "W"],
        ["energy", "157", "kWh"],
    )
    assert [seen[0]["power"][0], seen[1]["energy"][0]] == [GONE, GONE], "what an entity begins with"
    assert [one["meter"][0] for one in seen[:3]] == ["waiting", "waiting", "reading"]
    assert [seen[2]["power"][0], seen[3]["energy"][0]] == ["431.0", "156.98"]
    for one in seen[4:7]:
        assert (one["power"][0], one["energy"][0], one["energy_today"][0]) == (GONE, GONE, GONE)
    assert seen[7]["power"][0] == "431.0", "said again, it is a reading"
    assert number(seen[8], "energy_today") == pytest.approx(0.02)


def test_a_clock_that_was_late_puts_nothing_on_the_wrong_day(engine: Run) -> None:
    """Power cut and a start with the time of the cut; the right time comes, two days later."""
    seen = engine(
        ["energy", "unknown", "kWh"],
        ["energy", "100", "kWh"],
        ["energy", "108", "kWh"],
        ["restart"],
        ["energy", "unknown", "kWh"],
        ["energy", "108.5", "kWh"],
        ["set-clock", 2 * 86_400 + 7],
        ["energy", "109", "kWh"],
    )
    assert number(seen[2], "energy_today") == 8
    assert number(seen[5], "energy_today") == pytest.approx(8.5), "nobody knows better yet"
    assert number(seen[7], "energy_today") == pytest.approx(1)
    assert number(seen[7], "energy_week") == pytest.approx(9)
