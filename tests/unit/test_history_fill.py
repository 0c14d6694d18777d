"""A run: what is missing is written down, given back and proven, whatever ends it on the way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from hems.history import HistoryError, fill, ledger
from hems.history.cause import NOT_KNOWN, Disturbance, Where
from hems.history.compare import SECOND
from hems.history.fill import DAY, Found, History, Limits
from hems.history.influxdb import Influxdb
from hems.history.ledger import Ledger
from hems.history.line import Reading
from hems.history.recorder import Recorder

from tests.unit.history_sides import FakeInfluxdb, Killed, every, lines, write_recorder

BEGIN = 1_764_190_200 * SECOND
HOUR = 3600 * SECOND


class Box:
    """A box with its two sides; each ``run`` is a process of its own."""

    def __init__(self, directory: Path, readings: Sequence[Reading], stored: list[Reading]) -> None:
        self.directory, self.readings = directory, readings
        self.influxdb = FakeInfluxdb(lines(stored))
        self.now = max(one.at for one in readings) + HOUR
        self.limits = Limits(batch=7, rate=10_000, seconds=60, settle=300)
        self.disturbed: list[Disturbance] = []
        self.moved: list[tuple[int, int]] = []
        write_recorder(directory / "recorder.db", readings)

    def run(self, whole: bool = False, seconds: float = 60) -> Found:
        ticks = iter(range(100_000))
        path = self.directory / "recorder.db"
        with (
            closing(Ledger(self.directory / "ledger.db")) as book,
            closing(Recorder(path, ["sensor"], ["sensor.left_out"], self.moved)) as recorder,
        ):
            influxdb = cast(Influxdb, self.influxdb)
            limits = replace(self.limits, seconds=seconds)
            slept: list[float] = []
            history = History(
                recorder,
                influxdb,
                book,
                self.disturbed,
                limits,
                self.now,
                slept.append,
                lambda: float(next(ticks)),
            )
            return history.fill(whole)

    def gaps(self) -> list[ledger.Gap]:
        with closing(Ledger(self.directory / "ledger.db")) as book:
            return book.gaps()

    def stored(self) -> list[str]:
        return sorted(self.influxdb.lines.values())

    def complete(self) -> bool:
        return self.stored() == sorted(lines(self.readings))


def test_a_gap_is_filled_to_the_byte_and_told(tmp_path: Path) -> None:
    readings = every(10, BEGIN, 200) + every(30, BEGIN, 60, "sensor.energy")
    box = Box(tmp_path, readings, readings[:50] + readings[80:220] + readings[225:])
    box.disturbed = [
        Disturbance(BEGIN + 500 * SECOND, BEGIN + 800 * SECOND, "it was down", Where.STORE)
    ]
    found = box.run()
    assert (found.lost, found.filled, found.refused) == (35, 35, 0)
    assert box.complete()
    told = {(gap.entity, gap.points, gap.filled, gap.state, gap.cause) for gap in box.gaps()}
    assert ("sensor.energy", 5, 5, ledger.FILLED, "it was down") in told
    assert sum(gap.points for gap in box.gaps()) == 35
    # A second run finds nothing, writes nothing.
    written = box.influxdb.written
    assert box.run().lost == 0
    assert (box.influxdb.written, len(box.gaps())) == (written, len(told))


def test_as_many_missing_on_both_sides_are_found_where_something_was_wrong(tmp_path: Path) -> None:
    readings = every(10, BEGIN, 60)
    # The recorder lost its last minute, InfluxDB another one: the counts are even.
    only_there = every(10, BEGIN + 5 * SECOND, 6)
    box = Box(tmp_path, readings, readings[6:] + only_there)
    assert box.run(whole=True).lost == 0
    box.disturbed = [Disturbance(BEGIN, BEGIN + 60 * SECOND, "power", Where.BOX)]
    assert box.run(whole=True).filled == 6


def test_a_cause_that_is_written_down_later_is_told(tmp_path: Path) -> None:
    readings = every(10, BEGIN, 200)
    box = Box(tmp_path, readings, readings[:50] + readings[55:])
    began = Disturbance(BEGIN + 400 * SECOND, BEGIN + 505 * SECOND, "a restart", Where.WRITER)
    causes = []
    for known in ([], [began], [began, replace(began, where=Where.STORE, what="it was down")], []):
        box.disturbed = known
        box.run()
        causes += [gap.cause for gap in box.gaps()]
    assert causes == [NOT_KNOWN, "a restart", "it was down", "it was down"]


@pytest.mark.parametrize("seed", range(20))
def test_a_run_that_is_killed_is_finished_by_the_next(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    readings = every(10, BEGIN, 300)
    box = Box(tmp_path, readings, [one for one in readings if chance.random() < 0.5])
    missing = 300 - len(box.influxdb.lines)
    box.influxdb.dies_after = chance.randrange(15)
    with pytest.raises(Killed):
        box.run()
    box.influxdb.dies_after = None
    box.run()
    assert box.complete()
    assert {gap.state for gap in box.gaps()} == {ledger.FILLED}
    assert sum(gap.points for gap in box.gaps()) == missing


def test_a_side_that_is_away_leaves_the_gap_open(tmp_path: Path) -> None:
    readings = every(10, BEGIN, 100)
    box = Box(tmp_path, readings, readings[:40])
    box.influxdb.down = True
    with pytest.raises(HistoryError, match="does not answer"):
        box.run()
    assert {gap.state for gap in box.gaps()} == {ledger.OPEN}
    box.influxdb.down = False
    box.run()
    assert box.complete()
    assert {gap.state for gap in box.gaps()} == {ledger.FILLED}


def test_what_influxdb_refuses_is_told_and_never_sent_again(tmp_path: Path) -> None:
    readings = every(10, BEGIN, 30) + every(10, BEGIN, 30, "sensor.odd")
    box = Box(tmp_path, readings, [])
    box.influxdb.refuses = {"sensor.odd"}
    found = box.run()
    assert (found.lost, found.filled, found.refused) == (60, 30, 30)
    [gap] = [one for one in box.gaps() if one.entity == "sensor.odd"]
    assert (gap.state, gap.filled, gap.detail) == (ledger.REFUSED, 0, "field type conflict")
    written = box.influxdb.written
    assert box.run(whole=True).lost == 0
    assert (box.influxdb.written, len(box.gaps())) == (written, 2)


def test_a_long_history_is_done_in_parts(tmp_path: Path) -> None:
    readings = every(600, BEGIN, 400)  # three days
    box = Box(tmp_path, readings, [])
    parts = 0
    while not box.run(seconds=3).finished:
        parts += 1
    assert parts >= 3
    assert box.complete()


def test_a_clock_that_was_set_hides_nothing_for_more_than_a_day(tmp_path: Path) -> None:
    readings = every(10, BEGIN, 100)
    box = Box(tmp_path, readings, readings)
    real = box.now
    box.now = real + 30 * DAY  # the clock is a month ahead
    box.run()
    box.now = real
    box.influxdb.lines.clear()
    assert box.run().filled == 100
    # Readings under a time that was proven already, from a clock that was behind.
    box.now = real + 3 * HOUR
    box.run()
    box.influxdb.lines.clear()
    box.now = real + DAY // 2
    assert box.run().lost == 0
    box.now = real + DAY + HOUR
    assert box.run().filled == 100


def test_an_owners_own_tags_are_a_reason_to_fill_nothing(tmp_path: Path) -> None:
    readings = every(10, BEGIN, 10)
    box = Box(tmp_path, readings, [])
    box.influxdb.tags = ["house"]
    with pytest.raises(HistoryError, match=r"tags of the owner's own \(house\)"):
        box.run()
    assert box.stored() == []


def test_what_home_assistant_does_not_write_is_not_written(tmp_path: Path) -> None:
    readings = every(10, BEGIN, 10)
    box = Box(
        tmp_path,
        [
            *readings,
            Reading("sensor.left_out", BEGIN, "1"),
            Reading("light.kitchen", BEGIN, "on"),
            Reading("sensor.gone", BEGIN, "unavailable"),
            Reading("sensor.odd", BEGIN, "NaN"),
        ],
        [],
    )
    box.run()
    assert box.stored() == sorted(lines(readings))


def test_gaps_that_are_purged_before_they_are_filled_are_closed(tmp_path: Path) -> None:
    readings = every(10, BEGIN, 100)
    box = Box(tmp_path, readings, readings[:40])
    box.influxdb.down = True
    with pytest.raises(HistoryError):
        box.run()
    write_recorder(tmp_path / "recorder.db", every(10, BEGIN + DAY, 10))
    box.influxdb.down = False
    box.now += DAY
    box.run()
    lost = [gap for gap in box.gaps() if gap.state == ledger.REFUSED]
    assert lost and all("purged" in gap.detail for gap in lost)


def test_an_older_release_does_not_touch_a_newer_ledger(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger.db")) as book:
        book._database.execute("PRAGMA user_version=99")
    with pytest.raises(HistoryError, match="newer release"):
        Ledger(tmp_path / "ledger.db")


def test_the_time_is_told_in_utc() -> None:
    assert fill.utc(BEGIN) == "2025-11-26T20:50:00Z"


def test_what_a_wrong_clock_dated_is_not_filled_under_its_wrong_date(tmp_path: Path) -> None:
    readings = every(10, BEGIN, 100)
    right = [one for one in readings if one.at >= BEGIN + 500 * SECOND]
    box = Box(tmp_path, readings, right)
    box.moved = [(BEGIN, BEGIN + 499 * SECOND)]
    assert box.run(whole=True).lost == 0
    assert box.stored() == sorted(lines(right))
