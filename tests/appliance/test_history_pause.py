"""A counter that was not heard for two hours: spread, marked, and exact, in hours and days too."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.appliance.influxdb_client import HISTORY, OPERATOR, Influxdb

pytest_plugins = ["tests.appliance.influxdb_fixtures"]
pytestmark = pytest.mark.journal("hems-history")

HOUR, MINUTE = 3600, 60
BUCKETS = ("home_assistant", "home_assistant_1h", "home_assistant_1d")


@pytest.fixture(scope="module")
def counter(pi: Any, site: dict[str, Any], influxdb: Influxdb) -> Iterator[tuple[str, int]]:
    """A counter's name, and the time (s) from which on it was not heard for two hours."""
    begin = int(time.time()) // HOUR * HOUR - 4 * HOUR + 7 * MINUTE
    name = f"pause_{int(time.time())}"  # the ledger knows a pause that was bridged
    states = (
        f"{begin - 10 * MINUTE}=1000.0",
        f"{begin}=1000.5",
        f"{begin + MINUTE}=unavailable",
        f"{begin + 2 * HOUR}=1004.5",
        f"{begin + 2 * HOUR + MINUTE}=1004.6",
    )
    script = (Path(__file__).parent / "history_pause.py").read_text()
    database = f"{site['hems_path_home_assistant_config']}/home-assistant_v2.db"

    def recorder(*words: str) -> None:
        pi.check_output(
            f"runuser -u homeassistant -- python3 - {database} sensor.{name} {' '.join(words)} "
            f"<<'END_OF_SCRIPT'\n{script}END_OF_SCRIPT\n"
        )

    pi.check_output("systemctl stop hems-history.timer hems-history.service")
    recorder("make", *states)
    try:
        yield name, begin
    finally:
        recorder("forget")
        for bucket in BUCKETS:
            body = {
                "start": "2026-01-01T00:00:00Z",
                "stop": "2100-01-01T00:00:00Z",
                "predicate": f'entity_id="{name}"',
            }
            where = {"org": "hems", "bucket": bucket}
            influxdb.ask("POST", "/api/v2/delete", OPERATOR, where, body)
        pi.check_output("systemctl start hems-history.timer")


def points(influxdb: Influxdb, bucket: str, name: str, field: str) -> dict[str, list[list[Any]]]:
    """Return the points of a field, measured ('') and bridged ('yes')."""
    question = f"SELECT {field} FROM kWh WHERE entity_id = '{name}' GROUP BY bridged"
    result = influxdb.query(HISTORY, bucket, question)
    return {one["tags"]["bridged"]: one["values"] for one in result.get("series", [])}


def test_a_pause_is_spread_evenly_and_marked(
    pi: Any, influxdb: Influxdb, counter: tuple[str, int]
) -> None:
    name, begin = counter
    pi.check_output("hems history fill --all")
    found = points(influxdb, "home_assistant", name, "value")
    assert [value for _, value in found[""]] == [1000, 1000.5, 1004.5, 1004.6]
    # Every five minutes of two hours, 2 kW on average.
    assert [at // 10**9 for at, _ in found["yes"]] == list(
        range(begin + 3 * MINUTE, begin + 2 * HOUR, 5 * MINUTE)
    )
    for at, value in found["yes"]:
        assert value == pytest.approx(1000.5 + 2 * (at / 1e9 - begin) / HOUR, abs=1e-5)
    rows = csv.DictReader(io.StringIO(pi.check_output("hems history gaps --days 1 --csv")))
    states = {row["state"] for row in rows if row["entity"] == f"sensor.{name}"}
    assert states == {"filled", "bridged"}
    # A second run adds nothing.
    pi.check_output("hems history fill --all")
    assert points(influxdb, "home_assistant", name, "value") == found


def test_hours_and_days_tell_it_from_what_was_measured(
    pi: Any, influxdb: Influxdb, counter: tuple[str, int]
) -> None:
    if influxdb.ask("GET", "/api/v2/tasks", OPERATOR, keep=False).status == 501:
        pytest.skip("not tested: hours and days of a pause, which need a real InfluxDB 2")
    name, _ = counter
    pi.check_output("hems history fill --all")
    for bucket in BUCKETS[1:]:
        rises = {
            bridged: sum(value for _, value in rows)
            for bridged, rows in points(influxdb, bucket, name, "increase").items()
        }
        assert rises == pytest.approx({"": 0.6, "yes": 4.0}, abs=1e-5), bucket
    hours = points(influxdb, BUCKETS[1], name, "increase")["yes"]
    assert [round(value, 3) for _, value in hours] == [1.6, 2.0, 0.4]
