"""Hours and days are those of the readings, whatever came late and whoever was killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hems.history import HistoryError, rolling, rollup
from hems.history.compare import SECOND
from hems.history.fill import DAY, History, Limits
from hems.history.ledger import Ledger
from hems.history.rollup import HOUR, Series
from hems.history.tiers import Tiers

from tests.unit.history_sides import Killed
from tests.unit.history_tiers import ZONE, FakeTiers

METER: Series = ("kWh", "sensor.meter", "")
BRIDGED: Series = ("kWh", "sensor.meter", "yes")


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


NOW = ns("2026-10-27T09:30:00")


class Box:
    """A box whose readings are counted up every ten minutes from ``begin`` on."""

    def __init__(self, directory: Path, begin: str = "2026-10-23T22:00:00") -> None:
        self.directory, self.now = directory, NOW
        self.tiers = FakeTiers()
        self.moved: tuple[tuple[int, int], ...] = ()
        for number, at in enumerate(range(ns(begin), NOW, 600 * SECOND)):
            self.tiers.readings[METER, at] = 100 + number / 8

    @contextmanager
    def history(self, seconds: float = 1e9) -> Iterator[History]:
        ticks = iter(range(10**6))
        with closing(Ledger(self.directory / "ledger.db")) as book:
            yield History(
                cast(Any, None),
                cast(Any, None),
                book,
                [],
                Limits(100, 1000, seconds, 300),
                self.now,
                lambda _: None,
                lambda: float(next(ticks)),
            )

    def roll(self, since: int | None = None, seconds: float = 1e9) -> rolling.Rolled:
        plan = rolling.Plan("hourly", "daily", ZONE, 90 * DAY, self.moved)
        with self.history(seconds) as history:
            tiers = cast(Tiers, self.tiers)
            since = self.now - DAY if since is None else since
            return rolling.roll(history, tiers, plan, since, seconds)

    def right(self) -> bool:
        """Whether every hour and day is what a box that made all of them at once would have."""
        other = FakeTiers()
        other.readings = self.tiers.readings
        end = self.now - self.now % HOUR
        first = min(at for _, at in other.readings)
        for at in range(first - first % HOUR, end, HOUR):
            other.run("hourly", at + HOUR)
        day = rollup.day_of(first, ZONE)
        while day < end:
            after = min(rollup.day_after(day, ZONE), end)
            other.run("daily", after)
            day = after
        return other.tiers == self.tiers.tiers


def test_local_days_have_23_24_or_25_hours() -> None:
    for zone, morning, lengths in (
        ("Europe/Dublin", "2026-10-24T12:00:00", [24, 25, 24]),
        ("Europe/Paris", "2026-03-28T12:00:00", [24, 23, 24]),
        ("America/Santiago", "2026-09-05T18:00:00", [24, 23, 24]),
    ):
        there = ZoneInfo(zone)
        day = rollup.day_of(ns(morning), there)
        for length in lengths:
            after = rollup.day_after(day, there)
            assert (after - day) // HOUR == length
            assert rollup.day_of(after - 1, there) == day
            day = after


def test_all_of_the_past_is_made_and_a_second_run_makes_nothing(tmp_path: Path) -> None:
    box = Box(tmp_path)
    done = box.roll()
    assert done.finished
    assert box.right()
    box.tiers.ran.clear()
    again = box.roll()
    assert (again.hours, again.days, box.tiers.ran) == (0, 0, [])
    # The sums of both tiers are what the counter rose by, over the day of 25 hours too.
    rose = max(box.tiers.readings.values()) - 100
    left = sum(1 for (_, at) in box.tiers.readings if at >= NOW - NOW % HOUR) / 8
    for rows in box.tiers.tiers.values():
        assert sum(row.increase for row in rows.values()) == pytest.approx(rose - left, abs=1e-9)


def test_what_comes_late_changes_its_hour_the_next_one_and_their_days(tmp_path: Path) -> None:
    box = Box(tmp_path)
    # Nothing for five hours, over midnight; then a bridge in the middle.
    quiet = range(ns("2026-10-25T20:00:00"), ns("2026-10-26T02:00:00"), 600 * SECOND)
    kept = {at: box.tiers.readings.pop((METER, at)) for at in quiet}
    box.roll()
    assert box.right()
    for at in list(kept)[10:20]:
        box.tiers.readings[BRIDGED, at] = kept[at]
    done = box.roll(since=ns("2026-10-25T20:00:00"))
    assert box.right()
    assert (done.hours, done.days) == (4, 2)


@pytest.mark.parametrize("runs", range(6))
def test_a_run_that_is_killed_is_finished_by_the_next(tmp_path: Path, runs: int) -> None:
    box = Box(tmp_path)
    late = {
        key: box.tiers.readings.pop(key)
        for key in list(box.tiers.readings)
        if ns("2026-10-26T21:00:00") <= key[1] < ns("2026-10-27T00:30:00")
    }
    box.roll()
    box.tiers.readings.update(late)
    box.tiers.dies_after = runs
    with pytest.raises(Killed):
        box.roll()
    box.tiers.dies_after = None
    box.roll()
    assert box.right()


def test_a_long_past_is_made_in_parts(tmp_path: Path) -> None:
    box = Box(tmp_path, "2026-10-01T00:00:00")
    parts = 0
    while not box.roll(seconds=3).finished:
        parts += 1
    assert parts >= 5
    assert box.right()


def test_what_outlives_its_readings_is_left_as_it_is(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.roll()
    before = {name: dict(rows) for name, rows in box.tiers.tiers.items()}
    box.tiers.readings = {key: value for key, value in box.tiers.readings.items() if key[1] > NOW}
    box.roll(since=0)
    assert box.tiers.tiers == before


def test_what_a_wrong_clock_dated_is_gone_from_hours_and_days(tmp_path: Path) -> None:
    box = Box(tmp_path)
    ended = NOW - NOW % HOUR
    right = {key: value for key, value in box.tiers.readings.items() if key[1] < ended}
    box.tiers.readings = dict(right)
    for day in ("2026-09-02", "2026-10-30"):  # a clock that was behind, and one that was ahead
        for minute in (5, 15):
            box.tiers.readings[METER, ns(f"{day}T10:{minute:02}:00")] = 50.0
    box.now = ns("2026-10-30T12:00:00")
    box.roll(since=0)
    box.now, box.tiers.readings = NOW, right
    box.moved = tuple(
        (ns(f"{day}T10:05:00"), ns(f"{day}T10:15:00")) for day in ("2026-09-02", "2026-10-30")
    )
    box.roll()
    assert box.right()
    box.tiers.ran.clear()
    box.roll()
    assert box.tiers.ran == []


def test_an_hour_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.tiers.lazy = True
    with pytest.raises(HistoryError, match=r"hour of 2026-10-\S+ is not that of its readings"):
        box.roll()


def test_readings_are_bounded_when_all_is_proven_and_the_clock_can_be_believed(
    tmp_path: Path,
) -> None:
    box = Box(tmp_path)
    kept = []

    def run(hours: int) -> None:
        box.now += hours * HOUR
        with box.history() as history:
            rolling.retain(history, cast(Tiers, box.tiers), 90 * DAY)
        kept.append(box.tiers.period // DAY)
        box.roll()

    for hours in (0, 12, 11, 2):  # the first day, and the first run after it
        run(hours)
    assert kept == [0, 0, 0, 90]
    kept.clear()
    run(400 * 24)  # a clock that jumps ahead, and back
    run(-399 * 24)
    assert kept == [0, 0]
    for _ in range(3):
        run(12)
    assert kept[2:] == [0, 90, 90]
    # What has not been proven for days is kept, too.
    with box.history() as history:
        history.ledger.advance(rolling.ROLLED, box.now - 3 * DAY)
        rolling.retain(history, cast(Tiers, box.tiers), 90 * DAY)
    assert box.tiers.period == 0


def test_flux_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="run the whole playbook"):
        rolling.read(tmp_path, "Europe/Dublin", 90, ())
