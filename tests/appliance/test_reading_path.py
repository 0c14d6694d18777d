"""The appliance's main job: each reading of a meter is one point in InfluxDB, exact and tagged.

Readings are 25 ms apart: a point's time is when Home Assistant heard it, to the microsecond,
and two points of one entity at one time would be one point. Home Assistant writes to InfluxDB when
a second has gone by without a change of any state, or after a hundred changes.
"""

from __future__ import annotations

import itertools
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.appliance.waiting import wait_until
from tests.virtual.meter.link import Link
from tests.virtual.meter.pulses import Reading

pytestmark = pytest.mark.journal("home-assistant", "influxdb", "mosquitto")

DEVICE = "bench"  # an account of the tests' own
PACE_SECONDS = 0.025
PATIENCE_SECONDS = 60.0
KINDS = (("W", "power"), ("kWh", "energy"))  # measurement and entity
QUIET_SECONDS = 3.0  # more than Home Assistant's pause before it writes

# Distinct values, runs of one value, nothing at all, and the first value again; the pulses stand
# still now and then, as they do between two reports of a small load.
WATTS = [100.0, 100.0, 100.0, 250.5, 250.5, 0.0, 0.0, 7999.9, 100.0, 0.1]
PULSES = [0, 1, 1, 1, 2, 3, 5, 8, 8, 13]


@dataclass(frozen=True)
class Point:
    """One point of InfluxDB, with the tags of its series."""

    tags: dict[str, str]
    time: int  # ns
    value: float


@pytest.fixture
def points(pi: Any, site: dict[str, Any]) -> Callable[[str, str, int], list[Point]]:
    """Reads the points of a measurement and an entity since a time in ns, by InfluxQL."""
    token = f"{site['hems_path_secrets']}/influxdb_token_hems"
    url = f"http://127.0.0.1:{site['hems_port_influxdb']}/query"

    def read(measurement: str, entity: str, since: int) -> list[Point]:
        # The token reaches curl through a pipe that the shell makes: it is no argument.
        query = (
            f'SELECT value FROM "{measurement}" '
            f"WHERE entity_id = '{entity}' AND time >= {since} GROUP BY *"
        )
        script = (
            f"curl --silent --show-error --fail --get --max-time 20 {url} "
            f'--header @<(printf "Authorization: Token %s" "$(cat {token})") '
            f"--data db=home_assistant --data epoch=ns --data-urlencode {shlex.quote('q=' + query)}"
        )
        answer = pi.run("bash -c %s", script)
        assert answer.rc == 0, answer.stderr
        (result,) = json.loads(answer.stdout)["results"]
        assert "error" not in result, result
        return [
            Point(series["tags"], row[0], row[1])
            for series in result.get("series", [])
            for row in series["values"]
        ]

    return read


@pytest.fixture
def password_file(secret: Callable[[str], str], tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.touch(0o600)
    path.write_text(secret(f"mqtt_{DEVICE}"))
    return path


@pytest.fixture
def now(pi: Any) -> Callable[[], int]:
    """The Pi's clock in ns."""
    return lambda: int(pi.check_output("date +%s%N"))


@pytest.fixture
def link(
    door: Any, site: dict[str, Any], password_file: Path, points: Any, now: Callable[[], int]
) -> Iterator[Link]:
    """A device that Home Assistant knows and InfluxDB has heard of."""
    told: list[str] = []
    link = Link(DEVICE, password_file.read_text(), door.ca, told.append)
    link.open(door.address, site["hems_port_mqtts"], PATIENCE_SECONDS)
    assert told == [f"Meter '{DEVICE}' is connected to the broker."]
    begin = now()

    def arrived() -> bool:
        assert link.report(Reading(1.0, 0.0))
        time.sleep(QUIET_SECONDS)
        return all(points(unit, f"{DEVICE}_{kind}", begin) for unit, kind in KINDS)

    wait_until(arrived, PATIENCE_SECONDS, "a first reading is in InfluxDB")
    yield link
    link.close(withdraw=True)


def test_every_reading_is_one_point(
    pi: Any, link: Link, points: Any, now: Callable[[], int]
) -> None:
    rounds = 12
    pulses = [PULSES[-1] * turn + count for turn in range(rounds) for count in PULSES]
    sent = [
        Reading(watts, count / 1_000) for watts, count in zip(WATTS * rounds, pulses, strict=True)
    ]
    begin = now()
    for reading in sent:
        assert link.report(reading)
        time.sleep(PACE_SECONDS)

    def stored(unit: str, kind: str) -> list[Point]:
        found: list[Point] = points(unit, f"{DEVICE}_{kind}", begin)
        return found

    wait_until(
        lambda: all(len(stored(*kind)) >= len(sent) for kind in KINDS),
        PATIENCE_SECONDS,
        "all are in InfluxDB",
    )
    time.sleep(QUIET_SECONDS)
    power, energy = (stored(*kind) for kind in KINDS)
    assert [point.value for point in power] == [reading.watts for reading in sent]
    assert [point.value for point in energy] == [count / 1_000 for count in pulses]
    for kind, series in (("power", power), ("energy", energy)):
        times = [point.time for point in series]
        assert times == sorted(set(times))
        tags = [dict(point.tags) for point in series]
        assert all(
            (tag["domain"], tag["entity_id"]) == ("sensor", f"{DEVICE}_{kind}") for tag in tags
        )
    since = f"@{begin // 1_000_000_000}"
    said = pi.check_output("journalctl --unit home-assistant --since %s --output cat", since)
    assert "Traceback" not in said


@pytest.fixture
def meter(
    door: Any, site: dict[str, Any], password_file: Path, tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the simulated MQTT meter, with more arguments."""
    command = [sys.executable, "-m", "tests.virtual.meter", f"--account={DEVICE}"]
    command += [f"--host={door.address}", f"--port={site['hems_port_mqtts']}"]
    command += [f"--ca-file={door.ca}", f"--password-file={password_file}"]
    command += [f"--state-file={tmp_path / 'counter'}"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_the_simulated_meter_reports_by_itself(
    link: Link, meter: Any, points: Any, now: Callable[[], int]
) -> None:
    link.close()  # one device, one connection
    begin = now()
    ran = meter("--count=6", "--watts=1800", "--interval=1.2", "--speed=30")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"Meter '{DEVICE}' is connected to the broker.\n"
    power, energy = f"{DEVICE}_power", f"{DEVICE}_energy"
    wait_until(
        lambda: len(points("kWh", energy, begin)) >= 6,
        PATIENCE_SECONDS,
        "six readings are in InfluxDB",
    )
    assert [point.value for point in points("W", power, begin)] == [1800.0] * 6
    # 1800 W for 1.2 s, thirty times as fast: 18 pulses a reading.
    kwh = [point.value for point in points("kWh", energy, begin)]
    pulses = [round(value * 1_000) for value in kwh]
    assert kwh == [count / 1_000 for count in pulses]
    assert all(16 <= after - before <= 20 for before, after in itertools.pairwise(pulses))


def test_the_simulated_meter_says_why_it_can_not(meter: Any) -> None:
    wrong = meter("--wait=1", "--host=localhost", "--count=1")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("error: The broker does not answer at localhost:")
    assert wrong.stderr.count("\n") == 1


def test_a_broker_restart_loses_no_energy(
    link: Link, pi: Any, points: Any, now: Callable[[], int]
) -> None:
    begin = now()
    pulses = 100
    assert link.report(Reading(500.0, pulses / 1_000))
    pi.check_output("systemctl restart mosquitto.service")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while link.connected and time.monotonic() < deadline:
        time.sleep(0.1)
    # The meter counts on, connected or not.
    while not link.connected and time.monotonic() < deadline:
        pulses += 1
        assert not link.report(Reading(500.0, pulses / 1_000)) or link.connected
        time.sleep(0.5)

    def caught_up() -> bool:
        # Home Assistant's own connection comes back in its own time.
        link.report(Reading(500.0, pulses / 1_000))
        time.sleep(QUIET_SECONDS)
        kwh = [point.value for point in points("kWh", f"{DEVICE}_energy", begin)]
        assert kwh == sorted(kwh)
        return bool(kwh) and kwh[-1] == pulses / 1_000

    wait_until(caught_up, PATIENCE_SECONDS, "the counter is whole again")
