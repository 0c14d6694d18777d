"""Readings that InfluxDB missed are found, given back to the byte, and told."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hems.history.line import Reading, is_written, line, nanoseconds

from tests.appliance.history_box import Box, looked_at_by_hand
from tests.appliance.influxdb_client import HISTORY, OPERATOR, Influxdb
from tests.appliance.waiting import until, wait_until

pytest_plugins = ["tests.appliance.influxdb_fixtures"]
pytestmark = pytest.mark.journal("hems-history")

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def box(pi: Any, site: dict[str, Any], influxdb: Influxdb) -> Iterator[Box]:
    """The box; the timer waits."""
    with looked_at_by_hand(pi, site, influxdb, "history") as found:
        yield found


@dataclass(frozen=True)
class Faults:
    """What was done to the box, and what InfluxDB lacks after it (the stock's loss)."""

    begun: float
    stopped: tuple[float, float]  # from when to when InfluxDB was stopped
    lost: int
    recorded: int


@pytest.fixture(scope="module")
def faults(box: Box) -> Faults:
    """InfluxDB stopped, hung, and killed three times, with readings flowing."""
    begun = time.time()
    pi = box.pi
    with box.readings():
        time.sleep(5)
        since = time.time()
        pi.check_output("systemctl stop influxdb; sleep 15; systemctl start influxdb")
        stopped = since, time.time()
        time.sleep(3)
        # Shorter than the watchdog's patience: the writes' own time-out is 10 s.
        pi.check_output("systemctl kill --signal=SIGSTOP influxdb")
        time.sleep(14)
        pi.check_output("systemctl kill --signal=SIGCONT influxdb")
        for _ in range(3):
            time.sleep(3)
            pi.check_output("systemctl kill --signal=SIGKILL influxdb")
        health = f"curl -sf http://127.0.0.1:{box.site['hems_port_influxdb']}/health"
        wait_until(lambda: pi.run(health).rc == 0, 60, "InfluxDB answers")
        time.sleep(3)
    return Faults(begun, stopped, box.missing(begun), len(box.recorded(begun)))


# What Home Assistant writes its own way, beside the plain ones.
STATES: list[tuple[str, str, dict[str, Any]]] = [
    ("sensor.a", "12.50", {"unit_of_measurement": "kWh", "friendly_name": 'Zähler, "1" \\ =x'}),
    ("sensor.a", "on", {"unit_of_measurement": None, "n": None, "yes": True, "no": False}),
    ("sensor.a", "a text\nof two lines", {"list": ["a", 1, 2.5], "map": {"a": 1}, "e": ""}),
    ("sensor.a", "1_000", {"unit_of_measurement": "m³ a,b=c", "value": 3, "state": "x"}),
    ("sensor.a", "nan", {"far": "inf", "nan": float("nan"), "time": "12:30", "time_": 1}),
    ("sensor.a", "off", {"version": "v1.25", "tail": "rev 12.5 b", "two": "1.2.3", "key=,": 1}),
    ("sensor.a", "1e300", {"unit_of_measurement": "", "large": 10**22, "small": 1e-9}),
    ("sensor.a", "unavailable", {}),
    ("sensor.a", "-0.0", {"device_class": "power", "unit_of_measurement": "W\tx"}),
]


def test_a_line_is_the_one_that_home_assistants_own_code_writes(
    pi: Any, site: dict[str, Any]
) -> None:
    chance = random.Random(1)
    asked = [
        (entity, state, attributes, 1764190000 + chance.random() * 1e6)
        for entity, state, attributes in STATES * 20
    ]
    text = "\n".join(json.dumps(one) for one in asked)
    python = f"{site['hems_path_home_assistant']}/current/bin/python"
    script = (HERE / "history_lines.py").read_text()
    pi.check_output(f"cat > /run/hems-test-lines.py <<'END_OF_SCRIPT'\n{script}END_OF_SCRIPT\n")
    output = pi.check_output(
        f"cd /; {python} /run/hems-test-lines.py <<'END_OF_STATES'\n{text}\nEND_OF_STATES\n"
        "rm /run/hems-test-lines.py"
    )
    ours = [
        line(Reading(entity, nanoseconds(at), state, attributes))
        for entity, state, attributes, at in asked
    ]
    theirs = output.split("\n")
    assert len(theirs) == len(ours)
    for (_, state, *_), mine, its in zip(asked, ours, theirs, strict=True):
        if is_written(state):
            assert mine == its
        else:
            assert state == "nan" or its == ""


def test_every_reading_of_a_fault_is_given_back(box: Box, faults: Faults) -> None:
    assert faults.lost > 100, "the faults have cost no readings: this proves nothing"
    code, said = box.history("verify --days 1")
    assert code == 1
    assert "readings are missing in InfluxDB" in said
    code, said = box.history("fill")
    assert code == 0, said
    left = box.missing(faults.begun)
    print(
        f"of {faults.recorded} readings stock lost {faults.lost}; "
        f"filled {faults.lost - left}, left {left}: {said}"
    )
    assert left == 0
    assert box.history("verify --days 1")[0] == 0


def test_no_point_is_there_twice_and_no_series_is_new(box: Box, faults: Faults) -> None:
    stored = box.stored(faults.begun)
    assert len(stored) == len(set(stored))
    names = {f"sensor.{name}" for name in box.entities}
    result = box.influxdb.query(HISTORY, "home_assistant", "SHOW SERIES")
    keys = {row[0] for series in result["series"] for row in series["values"]}
    ours = {key for key in keys if any(f"entity_id={name[7:]}" in key for name in names)}
    assert ours == {
        "W,domain=sensor,entity_id=history_power",
        "kWh,domain=sensor,entity_id=history_energy",
        "sensor.history_mode,domain=sensor,entity_id=history_mode",
    }
    # What was filled has the fields of what Home Assistant wrote, texts too.
    question = "SELECT count(*) FROM \"sensor.history_mode\" WHERE entity_id = 'history_mode'"
    (series,) = box.influxdb.query(HISTORY, "home_assistant", question)["series"]
    counts = dict(zip(series["columns"], series["values"][0], strict=True))
    assert counts["count_state"] == counts["count_round"] == counts["count_friendly_name_str"]


def test_the_ledger_says_what_was_missing_and_why(box: Box, faults: Faults) -> None:
    code, shown = box.history("gaps --days 1")
    assert code == 0
    assert re.search(r"from +to +entities +missing +filled +state +cause", shown)
    rows = list(csv.DictReader(io.StringIO(box.history("gaps --days 1 --csv")[1])))
    ours = [row for row in rows if row["entity"].removeprefix("sensor.") in box.entities]
    ours = [
        row for row in ours if row["begin"] >= time.strftime("%FT%TZ", time.gmtime(faults.begun))
    ]
    assert sum(int(row["points"]) for row in ours) == faults.lost
    assert {row["state"] for row in ours} == {"filled"}
    first, last = (time.strftime("%FT%TZ", time.gmtime(at)) for at in faults.stopped)
    why = {row["cause"] for row in ours if row["begin"] <= last and row["end"] >= first}
    assert why == {"InfluxDB was down"}, ours
    summary = json.loads(
        box.pi.file(f"{box.site['hems_path_history']}/summary.json").content_string
    )
    assert (summary["gaps"], summary["points"], summary["problem"]) == (0, 0, "")


def test_a_backfill_that_is_killed_is_finished_by_the_next(box: Box, faults: Faults) -> None:
    chance = random.Random(2)
    before = sorted(box.stored(faults.begun))
    for _ in range(4):
        for name in box.entities:
            # Deletes by series; the recorder still has them.
            predicate = {
                "start": "2026-01-01T00:00:00Z",
                "stop": "2100-01-01T00:00:00Z",
                "predicate": f'entity_id="{name}"',
            }
            where = {"org": "hems", "bucket": "home_assistant"}
            done = box.influxdb.ask("POST", "/api/v2/delete", OPERATOR, where, predicate)
            assert done.status == 204
        assert box.missing(faults.begun) == faults.recorded
        box.pi.run(f"timeout --signal=KILL {chance.uniform(0.3, 1.5):.2f} hems history fill --all")
        code, said = box.history("fill --all")
        assert code == 0, said
        assert sorted(box.stored(faults.begun)) == before


def test_the_hours_of_a_pause_are_mended_in_home_assistant(pi: Any, site: dict[str, Any]) -> None:
    base = (int(time.time()) // 3600 - 24) * 3600 * 10**9
    python = f"{site['hems_path_opt']}/current/bin/python"
    script = (HERE / "history_hours.py").read_text()
    output = pi.check_output(
        f"{python} -I - {site['hems_port_home_assistant']} {base} "
        f"{site['hems_path_secrets']}/home_assistant_token "
        f"<<'END_OF_SCRIPT'\n{script}END_OF_SCRIPT\n"
    )
    count, hours = json.loads(output.splitlines()[-1])
    assert count == 3
    assert hours == [[0, 1.0], [1, 2.0], [2, 3.5], [3, 5.5], [4, 7.5], [5, 9.0]]


def test_the_unit_does_the_same(box: Box) -> None:
    box.pi.check_output("systemctl start hems-history.service")
    result = box.pi.check_output("systemctl show hems-history -p Result --value")
    assert result == "success"
    assert until(lambda: box.pi.run("systemctl is-active hems-history").stdout == "inactive\n")
    assert box.pi.service("hems-history.timer").is_enabled


def test_who_is_not_root_is_told_so(pi: Any) -> None:
    refused = pi.run("runuser -u nobody -- hems history gaps")
    assert refused.rc == 1
    assert "put 'sudo' before the command" in refused.stderr
