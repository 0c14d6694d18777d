"""What nobody measured: a counter that was not heard for a while, bridged when it is again. Pure.

A meter counts on while Home Assistant is down or its reader is out of range, so the energy of that
time is exact; only when it was used is not known. It is spread evenly, and its points have a tag of
their own, so that they are in another series than what was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hems.history.compare import SECOND
from hems.history.line import UNIT, point

LEAST = 300 * SECOND  # a shorter pause is none
SOON = 900 * SECOND  # after its return a counter may repeat its old value for so long
STEP = 300 * SECOND  # between two bridged points, at whole multiples since 1970 …
MOST = 2000  # … or more, so that a pause has at most so many
FALLS = 2  # a counter that went back so often is one of a day or a month: it is not bridged
TAG = "bridged"
TOTALS = ("total_increasing", "total")

Heard = tuple[int, float | None]  # when (ns), and what; None: unavailable or unknown


@dataclass(frozen=True)
class Pause:
    """A counter was not heard between two readings. Times in ns since 1970, values in its unit."""

    begin: int
    before: float
    end: int
    after: float

    def value(self, at: int) -> float:
        """Return what it would have counted at a time in it, at an even pace."""
        share = (at - self.begin) / (self.end - self.begin)
        return self.before + (self.after - self.before) * share


def is_counter(attributes: Mapping[str, Any]) -> bool:
    """Whether an entity counts without end: it has a unit, and no time at which it begins anew."""
    total = attributes.get("state_class") in TOTALS and bool(attributes.get(UNIT))
    return total and attributes.get("last_reset") is None


def pauses(heard: Iterable[Heard], away: Sequence[tuple[int, int]]) -> list[Pause]:
    """Return a counter's pauses in which it counted.

    ``away`` are the times (from, to; ns) in which Home Assistant did not run. A counter that is
    lower after a pause was reset or exchanged: what it counted is not known, and not bridged.
    """
    found: list[Pause] = []
    last: tuple[int, float] | None = None
    waiting: tuple[int, float, int] | None = None  # as long as it repeats itself after its return
    broken, falls = False, 0
    for at, value in heard:
        if value is None:
            broken = True
            continue
        if last is None or value < last[1]:
            falls += last is not None
            last, waiting, broken = (at, value), None, False
            continue
        since, before = last
        broken = broken or any(since <= begin and end <= at for begin, end in away)
        if broken and waiting is None and at - since >= LEAST:
            waiting = (since, before, at)
        if waiting is not None:
            start, low, back = waiting
            if value > low and at - back <= SOON:
                found.append(Pause(start, low, at, value))
            if value > low or at - back > SOON:
                waiting = None
        last, broken = (at, value), False
    return found if falls < FALLS else []


def lines(entity: str, unit: str, pause: Pause) -> Iterator[str]:
    """Yield the points of a pause, as lines of line protocol."""
    domain, _, name = entity.partition(".")
    tags = {"domain": domain, "entity_id": name, TAG: "yes"}
    step = STEP * max(1, -(-(pause.end - pause.begin) // (STEP * MOST)))
    for at in range((pause.begin // step + 1) * step, pause.end, step):
        yield point(unit, tags, {"value": round(pause.value(at), 6)}, at)


@dataclass(frozen=True)
class Hour:
    """An hour of Home Assistant's statistics: when it begins (ns), the counter and its sum."""

    start: int
    state: float
    sum: float

    @property
    def end(self) -> int:
        """When it ends (ns)."""
        return self.start + 3600 * SECOND


def mended(hours: Sequence[Hour], pause: Pause) -> list[Hour]:
    """Return the hours that end in a pause as they should be, also those that there are not.

    Home Assistant counts all of a pause's energy in the hour in which the counter is heard again.
    Its own sums before and after stay as they are. Nothing, when there is no hour before the pause
    to go on from, or when the counter was reset in between.
    """
    before = [hour for hour in hours if hour.end <= pause.begin]
    after = [hour for hour in hours if hour.end >= pause.end]
    if not before or before[-1].state > pause.before:
        return []
    base = before[-1]
    length = 3600 * SECOND
    found = []
    for end in range((pause.begin // length + 1) * length, pause.end, length):
        value = pause.value(end)
        found.append(Hour(end - length, value, base.sum + value - base.state))
    if found and after and found[-1].sum > after[0].sum + 1e-6:
        return []  # its sums are not those of this counter: somebody has corrected them
    return found
