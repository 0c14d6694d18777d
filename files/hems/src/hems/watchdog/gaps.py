"""For how long readings could not be stored: what the fault of a service cost. Pure.

The looks give the bounds: readings are lost at the earliest after the last look that was answered,
and at the latest until the first that is answered again. Of a unit that ended once, systemd knows
better when; but one that hung was of no use before it was ended, and of several ends systemd tells
the last one only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hems.systemd import Unit
from hems.watchdog.core import Observation


@dataclass(frozen=True)
class Track:
    """What is remembered of one service. Times are monotonic seconds."""

    well: float | None = None  # when it last answered
    restarts: int = 0  # how often systemd had restarted its unit then
    begin: float | None = None  # since when it has not answered, once that was seen


@dataclass(frozen=True)
class Gap:
    """A time in which readings were lost. Monotonic seconds."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it lasted at most."""
        return self.end - self.begin


def follow(track: Track, observation: Observation, now: float) -> tuple[Track, Gap | None]:
    """Return the new track, and the gap that has just ended, if one has."""
    unit = observation.unit
    answers = unit.is_up and observation.result.ok
    begin = track.begin
    if begin is None and track.well is not None and (not answers or unit.up_since > track.well):
        begin = _begin(track.well, track.restarts, unit, now)
    if not answers:
        return replace(track, begin=begin), None
    # The first look has nothing to compare with.
    return Track(now, unit.restarts), None if begin is None else Gap(begin, now)


def _begin(well: float, restarts: int, unit: Unit, now: float) -> float:
    """Return since when it has not answered, seen for the first time."""
    hangs = unit.is_up and unit.up_since <= well
    ended_once = well <= unit.left <= now and unit.restarts <= restarts + 1
    return unit.left if ended_once and not hangs else well
