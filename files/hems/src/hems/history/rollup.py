"""Which hours and days are not those of the readings, by their counts and what they rose by. Pure.

An hour has as many readings as InfluxDB has of it, a day what its hours have together: whatever
came late, was filled, bridged or set right by ``hems-clock`` shows there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hems.history.compare import SECOND

HOUR = 3600 * SECOND
EXACT = 1e-6  # what a sum is rounded to, in the counter's unit

Series = tuple[str, str, str]  # measurement, entity, and "yes" when it is bridged
Owner = tuple[str, str]  # measurement and entity
Counts = Mapping[Series, Mapping[int, int]]  # readings by the hour's start (ns)


@dataclass(frozen=True)
class Row:
    """An hour, or a day, of a series: how many readings, and what a counter rose by."""

    count: int
    increase: float = 0.0


Rows = Mapping[Series, Mapping[int, Row]]  # by the start (ns)
NONE = Row(0)


def stale(raw: Counts, hours: Rows, moved: Sequence[tuple[int, int]]) -> set[int]:
    """Return the hours that are not those of the readings.

    An hour whose readings are gone is left as it is: it outlives them. Only where ``hems-clock``
    set dates right (from, to; ns), there were none.
    """
    found = {
        at
        for series, counts in raw.items()
        for at, count in counts.items()
        if count != hours.get(series, {}).get(at, NONE).count
    }
    found.update(
        at
        for series, rows in hours.items()
        for at, row in rows.items()
        if row.count and at not in raw.get(series, {}) and is_moved(at, moved)
    )
    return found


def is_moved(at: int, moved: Iterable[tuple[int, int]]) -> bool:
    """Whether the dates of readings in an hour were set right."""
    return any(first < at + HOUR and at <= last for first, last in moved)


def following(raw: Counts, hours: Rows, changed: Collection[int]) -> tuple[set[int], set[Owner]]:
    """Return the hours that come after changed ones of the same entity, and whose last has none.

    What a counter rose by in an hour begins with the reading before it.
    """
    heard: dict[Owner, set[int]] = defaultdict(set)
    touched: dict[Owner, set[int]] = defaultdict(set)
    for (measurement, entity, _), counts in raw.items():
        heard[measurement, entity].update(counts)
    for (measurement, entity, _), there in (*raw.items(), *hours.items()):
        touched[measurement, entity].update(at for at in there if at in changed)
    found: set[int] = set()
    last: set[Owner] = set()
    for owner, starts in touched.items():
        row = sorted(heard[owner])
        for at in starts:
            place = bisect_right(row, at)
            if place < len(row):
                found.add(row[place])
            else:
                last.add(owner)
    return found, last


def day_is_stale(hours: Rows, day: Mapping[Series, Row]) -> bool:
    """Whether a day is not what its hours are together."""
    for series in {*hours, *day}:
        rows = hours.get(series, {}).values()
        known = day.get(series, NONE)
        if sum(row.count for row in rows) != known.count:
            return True
        rise = sum(row.increase for row in rows)
        if abs(rise - known.increase) > EXACT * (len(rows) + 1):
            return True
    return False


def day_of(at: int, zone: ZoneInfo) -> int:
    """Return when the local day of a time begins (ns)."""
    day = datetime.fromtimestamp(at // SECOND, zone).replace(hour=0, minute=0, second=0)
    return round(day.timestamp()) * SECOND


def day_after(day: int, zone: ZoneInfo) -> int:
    """Return when the next local day begins (ns)."""
    local = datetime.fromtimestamp(day // SECOND, zone).replace(hour=12)
    return day_of(round((local + timedelta(days=1)).timestamp()) * SECOND, zone)
