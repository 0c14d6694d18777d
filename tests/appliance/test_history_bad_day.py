"""A bad day: InfluxDB stopped, hung, killed, its disk full, and Home Assistant restarted in it."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hems.history.line import is_written

from tests.appliance.history_box import Box, looked_at_by_hand
from tests.appliance.influxdb_client import HISTORY, Influxdb
from tests.appliance.test_watchdog_disk import DISK, INFLUXDB, fill, small_disk
from tests.appliance.waiting import LONG, wait_until
from tests.appliance.watchdog_box import Watchdog

pytest_plugins = ["tests.appliance.influxdb_fixtures"]
pytestmark = [pytest.mark.journal("hems-history", "hems-watchdog"), LONG]

MINUTE = 60
AWAY = 2.5 * MINUTE  # InfluxDB is stopped for so long, …
RESTARTED = 1.5 * MINUTE  # … and Home Assistant restarted after so much of it
HEALED = 5 * MINUTE  # in which the watchdog has restarted what hangs
STARTED = 5 * MINUTE  # that Home Assistant may take on a busy machine
KILLS = 5
# The reader was out of range before: minutes ago. The pause is bridged a quarter of an hour later.
HEARD, LOST, AGAIN = 40, 30, 16
PAST = HEARD - LOST + 1 + AGAIN  # readings of then, which InfluxDB never had
METER = 1_795_000_000  # the simulated meter counts 10 Wh a second from here (history_readings.py)


def counted(at: float) -> float:
    """Return what the simulated meter says at a time (s): kWh."""
    return 1000 + (at - METER) / 100


@dataclass(frozen=True)
class Day:
    """What a day was like: its box, and since when (s) the counter has a past.

    Of the day itself: how many readings there were, and how many of them InfluxDB lacked then.
    """

    box: Box
    begun: float
    recorded: int
    lost: int

    @property
    def meter(self) -> str:
        """The counter's name, without its domain."""
        return self.box.entities[-1]

    def energy(self) -> dict[str, dict[int, float]]:
        """Return InfluxDB's values of the counter by time (ns): measured ('') and bridged."""
        question = f"SELECT value FROM kWh WHERE entity_id = '{self.meter}' GROUP BY bridged"
        found = self.box.influxdb.query(HISTORY, "home_assistant", question)["series"]
        return {one["tags"]["bridged"]: dict(one["values"]) for one in found}


def out_of_range(box: Box, now: float) -> None:
    """Have the counter not heard for a while, in the recorder's past."""
    minutes = [*range(HEARD, LOST - 1, -1), *range(AGAIN, 0, -1)]
    states = [f"{now - MINUTE * one}={counted(now - MINUTE * one):.3f}" for one in minutes]
    states.append(f"{now - MINUTE * LOST + 1}=unavailable")
    script = (Path(__file__).parent / "history_pause.py").read_text()
    database = f"{box.site['hems_path_home_assistant_config']}/home-assistant_v2.db"
    box.pi.check_output(
        f"runuser -u homeassistant -- python3 - {database} sensor.{box.entities[-1]} make "
        f"{' '.join(states)} <<'END_OF_SCRIPT'\n{script}END_OF_SCRIPT\n"
    )


def answers(box: Box, port: str, path: str) -> bool:
    """Whether a service does, to somebody without a password."""
    url = f"http://127.0.0.1:{box.site[port]}{path}"
    return bool(box.pi.run(f"curl -s -m 5 -o /dev/null {url}").rc == 0)


def stored(box: Box) -> None:
    """Wait until a reading of now is in InfluxDB."""
    since = time.time()

    def one() -> bool:
        return answers(box, "hems_port_influxdb", "/health") and bool(box.stored(since))

    wait_until(one, HEALED, "a reading of now is in InfluxDB")


def bad(box: Box) -> None:
    """Do to the box what a day can bring, each on top of readings that are stored."""
    pi = box.pi
    stored(box)
    stopped = time.monotonic()
    pi.check_output("systemctl stop influxdb")
    time.sleep(RESTARTED)
    # What is in its hand is lost with it; nobody measures while it is away.
    pi.check_output("systemctl restart home-assistant")
    wait_until(
        lambda: answers(box, "hems_port_home_assistant", "/manifest.json"),
        STARTED,
        "Home Assistant answers",
    )
    time.sleep(max(10, AWAY - (time.monotonic() - stopped)))
    pi.check_output("systemctl start influxdb")
    stored(box)  # Home Assistant tries again by itself, later each time
    process = pi.check_output("systemctl show -P MainPID influxdb")
    pi.check_output("systemctl kill --signal=SIGSTOP influxdb")
    wait_until(
        lambda: pi.check_output("systemctl show -P MainPID influxdb") not in ("0", process),
        HEALED,
        "the watchdog has restarted InfluxDB",
    )
    for _ in range(KILLS):
        stored(box)
        pi.check_output("systemctl kill --signal=SIGKILL influxdb")
    stored(box)
    # The disk of before has none of what was stored on the small one: that is lost, too.
    with small_disk(pi, (box.site["hems_path_influxdb"], INFLUXDB)):
        stored(box)
        fill(pi, 100)
        time.sleep(20)
        pi.check_output(f"rm {DISK}/filler")
        stored(box)
    stored(box)


@pytest.fixture(scope="module")
def day(pi: Any, site: dict[str, Any], influxdb: Influxdb) -> Iterator[Day]:
    """The bad day's end; the history's timer waits."""
    now = time.time()
    watchdog = Watchdog(pi, site)
    with (
        watchdog.set(),  # it forgets these faults afterwards
        looked_at_by_hand(pi, site, influxdb, f"bad_day_{int(now)}") as box,
    ):
        begun = now - MINUTE * (HEARD + 1)
        out_of_range(box, now)
        with box.readings():
            bad(box)
        yield Day(box, begun, len(box.recorded(now)), box.missing(now))


def test_every_reading_is_given_back_and_none_is_there_twice(day: Day) -> None:
    box = day.box
    assert day.lost > 500, "the day has cost few readings: this proves nothing"
    code, said = box.history("fill")
    assert code == 0, said
    left, stored = box.missing(day.begun), box.stored(day.begun)
    rows = list(csv.DictReader(io.StringIO(box.history("gaps --days 1 --csv")[1])))
    ours = [row for row in rows if row["entity"].removeprefix("sensor.") in box.entities]
    bridged = [row for row in ours if row["state"] == "bridged"]
    causes: Counter[str] = Counter()
    for row in ours:
        if row["state"] != "bridged":
            causes[row["cause"]] += int(row["points"])
    print(
        f"{day.recorded} readings, stock lost {day.lost}; filled {day.lost - left}, left {left}; "
        f"bridged points {sum(int(row['filled']) for row in bridged)}; lost by cause: {causes}"
    )
    assert left == 0
    assert len(stored) == len(set(stored)) == len(box.recorded(day.begun))
    assert {row["state"] for row in ours} == {"filled", "bridged"}
    assert sum(causes.values()) == day.lost + PAST
    assert causes["InfluxDB hung until it was restarted"]
    assert box.history("verify --days 1")[0] == 0


def test_no_series_is_new(day: Day) -> None:
    result = day.box.influxdb.query(HISTORY, "home_assistant", "SHOW SERIES")
    keys = {row[0] for series in result["series"] for row in series["values"]}
    power, mode, energy = day.box.entities
    assert {key for key in keys if day.box.name in key} == {
        f"W,domain=sensor,entity_id={power}",
        f"sensor.{mode},domain=sensor,entity_id={mode}",
        f"kWh,domain=sensor,entity_id={energy}",
        f"kWh,bridged=yes,domain=sensor,entity_id={energy}",
    }


def test_its_energy_is_exact(day: Day) -> None:
    found = day.energy()
    said = {
        one.at: float(one.state)
        for one in day.box.recorded(day.begun)
        if one.entity == f"sensor.{day.meter}" and is_written(one.state)
    }
    assert found[""] == said
    # The pause is as the meter counted: here at an even pace.
    assert len(found["yes"]) >= 2
    for at, value in found["yes"].items():
        assert value == pytest.approx(counted(at / 1e9), abs=1e-3)
    curve = [value for _, value in sorted((found[""] | found["yes"]).items())]
    assert curve == sorted(curve)
    assert (curve[0], curve[-1]) == (said[min(said)], said[max(said)])
