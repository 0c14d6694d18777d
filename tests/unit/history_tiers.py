"""InfluxDB's readings, hours and days in memory, made by the same rules as the Flux."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hems.history import rollup
from hems.history.rollup import HOUR, Row, Series
from hems.history.tiers import DAILY, HOURLY

from tests.unit.history_sides import Killed

ZONE = ZoneInfo("Europe/Dublin")


class FakeTiers:
    """Readings of counters, and what is made of them by the same rules as the Flux."""

    def __init__(self) -> None:
        self.readings: dict[tuple[Series, int], float] = {}
        self.tiers: dict[str, dict[tuple[Series, int], Row]] = {HOURLY: {}, DAILY: {}}
        self.period = 0
        self.ran: list[tuple[str, int]] = []
        self.dies_after: int | None = None
        self.lazy = False

    def raw(self, begin: int, end: int) -> dict[Series, dict[int, int]]:
        found: dict[Series, dict[int, int]] = {}
        for series, at in self.readings:
            if begin <= at < end:
                hours = found.setdefault(series, {})
                hours[at - at % HOUR] = hours.get(at - at % HOUR, 0) + 1
        return found

    def rows(self, bucket: str, begin: int, end: int) -> dict[Series, dict[int, Row]]:
        found: dict[Series, dict[int, Row]] = {}
        for (series, at), row in self.tiers[bucket].items():
            if begin <= at < end:
                found.setdefault(series, {})[at] = row
        return found

    def hours(self, begin: int, end: int) -> dict[Series, dict[int, Row]]:
        return self.rows(HOURLY, begin, end)

    def day(self, begin: int) -> dict[Series, Row]:
        return {series: rows[begin] for series, rows in self.rows(DAILY, begin, begin + 1).items()}

    def first_after(self, at: int) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for (measurement, entity, _), when in sorted(self.readings, key=lambda key: key[1]):
            if when >= at:
                found.setdefault((measurement, entity), when)
        return found

    def run(self, flux: str, now: int) -> None:
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after < 0:
                raise Killed
        self.ran.append((flux, now))
        if self.lazy:
            return
        if flux == "hourly":
            self._hour(now - HOUR)
        else:
            begin = rollup.day_of(now - HOUR, ZONE)
            for series, rows in self.hours(begin, now).items():
                count = sum(row.count for row in rows.values())
                rise = sum(row.increase for row in rows.values())
                self.tiers[DAILY][series, begin] = Row(count, rise)

    def _hour(self, begin: int) -> None:
        last: float | None = None
        made: dict[Series, Row] = {}
        for (series, at), value in sorted(self.readings.items(), key=lambda one: one[0][1]):
            if begin <= at < begin + HOUR:
                row = made.get(series, Row(0))
                rise = max(0.0, value - last) if last is not None else 0.0
                made[series] = Row(row.count + 1, row.increase + rise)
            last = value if at < begin + HOUR else last
        self.tiers[HOURLY].update({(series, begin): row for series, row in made.items()})

    def erase(self, bucket: str, begin: int, end: int) -> None:
        rows = self.tiers[bucket]
        self.tiers[bucket] = {key: row for key, row in rows.items() if not begin <= key[1] < end}

    def kept(self) -> int:
        return self.period

    def keep(self, period: int) -> None:
        self.period = period
