"""What InfluxDB lacks of what the recorder has: counts first, then points. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hems.history.line import Reading

WINDOW = 600  # s; counts are compared by so many, from whole multiples since 1970
SECOND = 1_000_000_000  # ns

Counts = Mapping[tuple[str, int], int]  # entity and window (its number since 1970) -> points
Stored = Mapping[tuple[str, int], Collection[str]]  # measurement and time (ns) -> entities


@dataclass(frozen=True)
class Hole:
    """Readings of one entity in a row that InfluxDB lacks; never empty."""

    readings: tuple[Reading, ...]

    @property
    def entity(self) -> str:
        """Whose they are."""
        return self.readings[0].entity

    @property
    def begin(self) -> int:
        """The first one's time in ns since 1970."""
        return self.readings[0].at

    @property
    def end(self) -> int:
        """The last one's time in ns since 1970."""
        return self.readings[-1].at


def suspicious(
    recorded: Counts, stored: Counts, disturbed: Iterable[tuple[int, int]] = ()
) -> list[int]:
    """Return the windows that need a look at their points, in order.

    Those where the counts of an entity differ, and those that touch a time (from, to; ns) in which
    something was wrong: there, points may be missing on both sides.
    """
    found = {key[1] for key in {*recorded, *stored} if recorded.get(key, 0) != stored.get(key, 0)}
    present = {window for _, window in recorded}
    for begin, end in disturbed:
        first, last = begin // (WINDOW * SECOND), end // (WINDOW * SECOND)
        found.update(window for window in present if first <= window <= last)
    return sorted(found & present)


def missing(recorded: Sequence[Reading], stored: Stored) -> list[Hole]:
    """Return the holes, by entity and time.

    A point of the same measurement and time whose entity the recorder does not know at that time is
    that of an entity that was renamed since: the recorder gives an entity's past its new name.
    """
    named: dict[tuple[str, int], list[str]] = defaultdict(list)
    for one in recorded:
        named[one.measurement, one.at].append(one.entity)
    lost: set[tuple[str, str, int]] = set()
    for (measurement, at), entities in named.items():
        there = set(stored.get((measurement, at), ()))
        absent = [entity for entity in entities if entity not in there]
        others = len(there - set(entities))
        lost.update((entity, measurement, at) for entity in absent[others:])
    holes: list[Hole] = []
    row: dict[str, list[Reading]] = defaultdict(list)
    for one in sorted(recorded, key=lambda each: each.at):
        if (one.entity, one.measurement, one.at) in lost:
            row[one.entity].append(one)
        elif one.entity in row:
            holes.append(Hole(tuple(row.pop(one.entity))))
    holes.extend(Hole(tuple(rest)) for rest in row.values())
    return sorted(holes, key=lambda hole: (hole.begin, hole.entity))
