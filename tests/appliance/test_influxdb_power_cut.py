"""What InfluxDB confirmed survives a power cut, and all later starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.appliance.influxdb_client import HEMS, Influxdb
from tests.appliance.waiting import wait_until

pytest_plugins = ["tests.appliance.influxdb_fixtures"]
pytestmark = pytest.mark.journal("influxdb")

BUCKET = "hems_probe"
UNIT = "influxdb.service"
# A write's type, a length of 4096 bytes, and 11 of them: as far as the card got.
TORN = r"\001\000\000\020\000torn record"
START_SECONDS = 60


@pytest.fixture
def measurement(pi: Any) -> Iterator[str]:
    """A measurement's name that no other test run has had."""
    yield f"power_cut_{pi.check_output('date +%s')}"
    pi.check_output(f"systemctl start {UNIT}")


def wait(influxdb: Influxdb) -> None:
    """Wait until the server answers again."""
    asked = f"curl --silent --fail {influxdb.url}/health"
    wait_until(lambda: influxdb.pi.run(asked).rc == 0, START_SECONDS, "InfluxDB answers")


def write(influxdb: Influxdb, measurement: str, *values: int) -> None:
    """Have points confirmed."""
    for value in values:
        line = f"{measurement} value={value}i"
        assert influxdb.ask("POST", "/write", HEMS, {"db": BUCKET}, line).status == 204


def stored(influxdb: Influxdb, measurement: str) -> list[int]:
    """Return the values that it has."""
    result = influxdb.query(HEMS, BUCKET, f'SELECT value FROM "{measurement}"')
    return [row[1] for series in result.get("series", []) for row in series["values"]]


def test_points_confirmed_after_a_power_cut_survive_the_next_start(
    pi: Any, site: dict[str, Any], influxdb: Influxdb, measurement: str
) -> None:
    write(influxdb, measurement, 1, 2)
    pi.check_output(f"systemctl stop {UNIT}")
    engine = f"{site['hems_path_influxdb']}/engine"
    logs = pi.check_output(f"grep -rl --include='*.wal' {measurement} {engine}").splitlines()
    assert len(logs) == 1, "a clean stop leaves the points in the log"
    pi.check_output(f"printf '{TORN}' >>{logs[0]}")
    pi.check_output(f"systemctl start {UNIT}")
    wait(influxdb)
    assert stored(influxdb, measurement) == [1, 2]
    write(influxdb, measurement, 3, 4)
    pi.check_output(f"systemctl restart {UNIT}")
    wait(influxdb)
    assert stored(influxdb, measurement) == [1, 2, 3, 4]
