"""Hours and days of the readings: made by InfluxDB, made again when some come late, and exact."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.appliance.influxdb_client import HISTORY, OPERATOR, Influxdb

pytest_plugins = ["tests.appliance.influxdb_fixtures"]
pytestmark = pytest.mark.journal("hems-history", "influxdb")

HERE = Path(__file__).parent
HOUR, DAY = 3600, 86400
ENTITY = "rollups_late"
WATT_HOUR = 0.001  # kWh


@pytest.fixture(autouse=True, scope="module")
def flux(pi: Any, influxdb: Influxdb) -> Iterator[None]:
    """A server that has Flux; the timer waits."""
    if influxdb.ask("GET", "/api/v2/tasks", OPERATOR, keep=False).status == 501:
        pytest.skip("not tested: hours and days of the readings, which need a real InfluxDB 2")
    pi.check_output("systemctl stop hems-history.timer hems-history.service")
    yield
    pi.check_output("systemctl start hems-history.timer")


def test_its_tasks_have_the_texts_of_the_box(
    pi: Any, site: dict[str, Any], influxdb: Influxdb, organization: str
) -> None:
    params = {"orgID": organization, "limit": "500"}
    listed = influxdb.ask("GET", "/api/v2/tasks", OPERATOR, params).body["tasks"]
    tasks = {one["name"]: one for one in listed if one["name"].startswith("hems:")}
    assert set(tasks) == {"hems:hourly", "hems:daily"}
    for name, task in tasks.items():
        path = f"{site['hems_path_etc']}/rollups/{name.removeprefix('hems:')}.flux"
        assert task["flux"] == pi.file(path).content_string
        assert (task["status"], task["every"]) == ("active", "1h")


def test_energy_is_the_same_in_readings_hours_and_days_when_the_clock_changes(
    pi: Any, site: dict[str, Any]
) -> None:
    script = (HERE / "rollups_days.py").read_text()
    days = json.loads(
        pi.check_output(
            f"python3 - {site['hems_port_influxdb']} {site['hems_path_secrets']}/{OPERATOR} "
            f"{site['hems_path_etc']}/rollups {site['hems_time_zone']} "
            f"<<'END_OF_SCRIPT'\n{script}END_OF_SCRIPT\n"
        ).splitlines()[-1]
    )
    assert [day["hours"] for day in days] == [23, 25]
    for day in days:
        truth = {
            (entity, bridged): rise
            for entity, rises in day["truth"].items()
            for bridged, rise in rises.items()
            if rise
        }
        assert ("bridged", "yes") in truth
        for rows in day["tiers"].values():
            found = {(entity, bridged): rise for entity, bridged, rise in rows}
            print(day["hours"], found)
            assert found == pytest.approx(truth, abs=WATT_HOUR / 10)
        # 2000 W for twenty minutes, in an hour and in all of the day.
        means = {bucket: dict(row[::2] for row in rows) for bucket, rows in day["means"].items()}
        assert means["test_1h"]["power"] == pytest.approx(2000 / 3, abs=0.01)
        assert means["test_1d"]["power"] == pytest.approx(2000 / 3 / day["hours"], abs=0.01)


def rows(influxdb: Influxdb, bucket: str) -> list[list[float]]:
    """Return count, mean and last of what a bucket has of our entity, by time."""
    question = f'SELECT "count", mean, last FROM "test unit" WHERE entity_id = \'{ENTITY}\''
    result = influxdb.query(HISTORY, bucket, question)
    return [row[1:] for series in result.get("series", []) for row in series["values"]]


def test_what_comes_late_is_in_its_hour_and_its_day(pi: Any, influxdb: Influxdb) -> None:
    hour = int(time.time()) // HOUR * HOUR - 5 * HOUR

    def write(*minutes: int) -> None:
        lines = [
            f"test\\ unit,domain=sensor,entity_id={ENTITY} value={minute} {hour + minute * 60}"
            for minute in minutes
        ]
        params = {"org": "hems", "bucket": "home_assistant", "precision": "s"}
        done = influxdb.ask("POST", "/api/v2/write", HISTORY, params, "\n".join(lines))
        assert done.status == 204
        pi.check_output("hems history fill")

    try:
        write(0, 30)
        assert rows(influxdb, "home_assistant_1h") == [[2, 15, 30]]
        assert [row[0] for row in rows(influxdb, "home_assistant_1d")] == [2]
        write(45)
        assert rows(influxdb, "home_assistant_1h") == [[3, 18.75, 45]]
        assert [row[0] for row in rows(influxdb, "home_assistant_1d")] == [3]
        assert (
            "Hours and days are those of the readings up to" in pi.run("hems history verify").stdout
        )
    finally:
        for bucket in ("home_assistant", "home_assistant_1h", "home_assistant_1d"):
            body = {
                "start": "2026-01-01T00:00:00Z",
                "stop": "2100-01-01T00:00:00Z",
                "predicate": f'entity_id="{ENTITY}"',
            }
            where = {"org": "hems", "bucket": bucket}
            assert influxdb.ask("POST", "/api/v2/delete", OPERATOR, where, body).status == 204


@contextmanager
def steady_for(pi: Any, site: dict[str, Any], days: int) -> Iterator[None]:
    """Have the history's runs begun so many days earlier than they have."""
    ledger = f"{site['hems_path_history']}/ledger.db"

    def shift(by: int) -> None:
        code = (
            "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); "
            "d.execute(\"UPDATE progress SET value = value + ? WHERE name = 'steady'\", "
            "(int(sys.argv[2]),)); d.commit()"
        )
        pi.check_output("runuser -u hems-history -- python3 -c %s %s %s", code, ledger, str(by))

    shift(-days * DAY * 10**9)
    try:
        yield
    finally:
        shift(days * DAY * 10**9)


def test_readings_are_bounded_only_when_hours_and_days_are_proven(
    pi: Any, site: dict[str, Any], influxdb: Influxdb
) -> None:
    def kept() -> int:
        pi.check_output("hems history fill")
        params = {"name": "home_assistant"}
        (bucket,) = influxdb.ask("GET", "/api/v2/buckets", OPERATOR, params).body["buckets"]
        return int(bucket["retentionRules"][0]["everySeconds"]) // DAY

    before = kept()
    assert before in {0, site["hems_influxdb_raw_days"]}
    with steady_for(pi, site, 2):
        assert kept() == site["hems_influxdb_raw_days"]
    assert kept() == before
