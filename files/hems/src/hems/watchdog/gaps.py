"""For how long readings could not be stored: what the fault of a service cost. Pure.

The looks give the bounds: readings are lost at the earliest after the last look that was answered,
and at the latest until the first that is answered again; systemd knows better when a unit ended.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hems.watchdog.core import Observation


@dataclass(frozen=True)
class Track:
    """What is remembered of one service. Times are monotonic seconds."""

    well: float | None = None  # when it last answered
    up_since: float = 0.0  # since when its unit had been up then
    missed: bool = False  # it has not answered since


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
    if not (unit.is_up and observation.result.ok):
        return replace(track, missed=True), None
    after = Track(now, unit.up_since)
    if track.well is None:
        return after, None  # the first look has nothing to compare with
    again = unit.up_since > track.well
    if not track.missed and not again:
        return after, None
    ended = unit.left if again and track.well <= unit.left <= now else track.well
    return after, Gap(ended, now)
