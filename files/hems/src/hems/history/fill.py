"""One run: compare a stretch of time, write down what is missing, give it back, and prove it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hems.history import HistoryError, compare, ledger
from hems.history.cause import NOT_KNOWN, Disturbance, lost, unheard
from hems.history.compare import SECOND, WINDOW, Hole
from hems.history.influxdb import Influxdb, batches
from hems.history.ledger import Gap, Ledger
from hems.history.line import line
from hems.history.recorder import Recorder

PROVEN = "proven"  # progress: all before it was compared
WHOLE = "whole"  # progress: when the whole recorder was compared last
CURSOR = "cursor"  # progress: how far a comparison of the whole recorder is; 0: none is under way
AGAIN = 3600 * SECOND  # so much of what is proven is compared again: readings may come late
DAY = 86400 * SECOND
STRETCH = 6 * 3600 * SECOND  # is compared at once


@dataclass
class Found:
    """What a run found and did, in points; ``windows`` were looked at point by point."""

    compared: int = 0
    windows: int = 0
    lost: int = 0
    filled: int = 0
    refused: int = 0
    gaps: list[Gap] = field(default_factory=list)
    bridged: list[Gap] = field(default_factory=list)
    unbridged: str = ""  # why what was not measured could not be bridged now
    rolled: int = 0  # hours that were made again
    unrolled: str = ""  # why hours and days are not those of the readings
    finished: bool = True  # False: its time was over, the next run goes on


@dataclass(frozen=True)
class Limits:
    """How much a run may do: points a batch and a second, and seconds in all.

    ``settle``: what is younger than so many seconds is not looked at; the recorder writes late.
    """

    batch: int
    rate: int
    seconds: float
    settle: int


@dataclass(frozen=True)
class History:
    """The two sides, and what is known of the time; ``now`` in ns since 1970."""

    recorder: Recorder
    influxdb: Influxdb
    ledger: Ledger
    disturbed: Sequence[Disturbance]
    limits: Limits
    now: int
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def span(self) -> tuple[int, int]:
        """Return from where to where the recorder can be compared (ns)."""
        end = self.now - self.limits.settle * SECOND
        oldest = self.recorder.begins()
        return (end if oldest is None else min(end, _floor(oldest))), end

    def due(self, whole: bool) -> tuple[int, int, bool]:
        """Return from where to where a run compares, and whether that ends a look at the whole.

        The whole recorder is compared once a day, too: a clock that was set leaves readings where
        nobody looks any more. That goes on where an earlier run had no time left.
        """
        oldest, end = self.span()
        cursor, at = self.ledger.progress(CURSOR) or 0, self.ledger.progress(WHOLE)
        proven = self.ledger.progress(PROVEN)
        if whole:
            return oldest, end, True
        if 0 < cursor <= self.now:
            return max(oldest, min(end, cursor)), end, True
        if proven is None or proven > self.now or at is None or not 0 <= self.now - at < DAY:
            return oldest, end, True
        return max(oldest, min(end, _floor(proven - AGAIN))), end, False

    def verify(self, begin: int, end: int, closely: bool = False) -> Found:
        """Compare and write down what is missing; ``closely``: point by point everywhere."""
        return self._compare(begin, end, closely, fill=False)

    def fill(self, whole: bool) -> Found:
        """Give back what the open gaps and what has not been compared yet lack."""
        foreign = self.influxdb.foreign_tags()
        if foreign:
            raise HistoryError(
                f"InfluxDB's points have tags of the owner's own ({', '.join(foreign)}), which "
                "can't be known for a missing point: nothing is filled. Take 'tags:' and "
                "'tags_attributes:' out of Home Assistant's influxdb settings, or fill by hand."
            )
        deadline = self.clock() + self.limits.seconds
        self._explain()
        found = Found()
        for gap in self.ledger.open_gaps():
            self._again(gap, found)
            if self.clock() >= deadline:
                found.finished = False
                return found
        begin, end, complete = self.due(whole)
        for start in range(begin, end, STRETCH):
            stop = min(end, start + STRETCH)
            _add(found, self._compare(start, stop, closely=False, fill=True))
            if complete:
                self.ledger.advance(CURSOR, stop)
            if self.clock() >= deadline and stop < end:
                found.finished = False
                return found
        self.ledger.advance(PROVEN, end)
        if complete:
            self.ledger.advance(WHOLE, self.now)
            self.ledger.advance(CURSOR, 0)
        return found

    def _compare(self, begin: int, end: int, closely: bool, fill: bool) -> Found:
        found = Found()
        for start in range(begin, end, STRETCH):
            stop = min(end, start + STRETCH)
            recorded = self.recorder.counts(start, stop)
            spans = [(one.begin, one.end) for one in self.disturbed]
            spans = [(start, stop - 1)] if closely else spans
            stored = self.influxdb.counts(start, stop)
            found.compared += sum(recorded.values())
            windows = compare.suspicious(recorded, stored, spans)
            found.windows += len(windows)
            for window in windows:
                at = window * WINDOW * SECOND
                # Edges: a count's window is the recorder's float, a point's is in ns.
                until = min(stop, at + WINDOW * SECOND)
                self._window(max(start, at), until, found, fill)
        return found

    def _window(self, begin: int, end: int, found: Found, fill: bool) -> None:
        holes = compare.missing(
            self.recorder.readings(begin, end), self.influxdb.points(begin, end)
        )
        holes = [one for one in holes if not self.ledger.refused(one.entity, one.begin, one.end)]
        if not holes:
            return
        stamp = utc(self.now)
        gaps = self.ledger.add(
            Gap(
                hole.entity,
                hole.begin,
                hole.end,
                len(hole.readings),
                lost(hole.begin, hole.end, self.disturbed),
                found=stamp,
            )
            for hole in holes
        )
        found.gaps += gaps
        found.lost += sum(len(hole.readings) for hole in holes)
        if fill:
            self._give_back(list(zip(gaps, holes, strict=True)), begin, end, found)

    def _explain(self) -> None:
        """Say why again for the gaps of the last day: the watchdog may have written it since."""
        for gap in self.ledger.gaps(self.now - DAY):
            why = unheard if gap.state == ledger.BRIDGED else lost
            cause = why(gap.begin, gap.end, self.disturbed)
            if cause not in (NOT_KNOWN, gap.cause):
                self.ledger.explain(gap, cause)

    def _again(self, gap: Gap, found: Found) -> None:
        """Look at a gap that an earlier run left open."""
        begin, end = gap.begin, gap.end + 1
        readings = self.recorder.readings(begin, end, gap.entity)
        holes = compare.missing(readings, self.influxdb.points(begin, end))
        found.gaps.append(gap)
        found.lost += sum(len(hole.readings) for hole in holes)
        if holes:
            whole = Hole(tuple(one for hole in holes for one in hole.readings))
            self._give_back([(gap, whole)], begin, end, found)
        elif readings:
            self.ledger.close_gap(gap, ledger.FILLED, gap.points, utc(self.now))
        else:
            words = "the recorder has purged it before it could be filled"
            self.ledger.close_gap(gap, ledger.REFUSED, 0, utc(self.now), words)

    def _give_back(
        self, work: Sequence[tuple[Gap, Hole]], begin: int, end: int, found: Found
    ) -> None:
        readings = [(place, one) for place, (_, hole) in enumerate(work) for one in hole.readings]
        refused = [0] * len(work)
        reason = ""
        for part in batches(readings, self.limits.batch):
            started = self.clock()
            done = self.influxdb.write([line(one) for _, one in part])
            for place in done.refused:
                refused[part[place][0]] += 1
            reason = reason or done.reason
            self.sleep(max(0.0, len(part) / self.limits.rate - (self.clock() - started)))
        # Not the answer's word: what is there now.
        there = self.influxdb.points(begin, end)
        left = compare.missing([one for _, one in readings], there)
        absent = {(hole.entity, one.at) for hole in left for one in hole.readings}
        for (gap, hole), bad in zip(work, refused, strict=True):
            lacking = sum((one.entity, one.at) in absent for one in hole.readings)
            found.filled += len(hole.readings) - lacking
            if lacking <= bad:
                found.refused += lacking
                state = ledger.REFUSED if lacking else ledger.FILLED
                words = reason if lacking else ""
                self.ledger.close_gap(gap, state, gap.points - lacking, utc(self.now), words)


def utc(at: int) -> str:
    """Return a time in ns since 1970 as UTC, ISO 8601, to the second."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _floor(at: int) -> int:
    return at - at % (WINDOW * SECOND)


def _add(found: Found, part: Found) -> None:
    found.compared += part.compared
    found.windows += part.windows
    found.lost += part.lost
    found.filled += part.filled
    found.refused += part.refused
    found.gaps += part.gaps
