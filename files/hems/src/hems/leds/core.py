"""What the three LEDs show. Pure: state, observation and time go in, levels come out.

The first is on while Home Assistant answers, the second while the internet is reachable; that one
blinks evenly while the box's own hotspot is open. The third
blinks the number of the most severe open issue; without one it is on from an error in Home
Assistant's log until newer records bring none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

ROUND_SECONDS = 2.0  # between two observations

# A pause before the flashes, so that whoever begins to look in the middle counts the next row.
PAUSE_SECONDS = 2.0
FLASH_SECONDS = 0.3  # light, and dark between two flashes
HOTSPOT_SECONDS = 0.5  # light, and as long dark
EARLY_SECONDS = 1e-4  # a moment so soon before a change is behind it: floats are not exact

# One lost packet is no outage.
GRACE_SECONDS = 7.0


@dataclass(frozen=True)
class Observation:
    """What one round saw."""

    home_assistant: bool  # it answered HTTP
    internet: bool  # a target answered within GRACE_SECONDS
    records: int  # in Home Assistant's log since the last round
    errors: int  # of them, at level ERROR or CRITICAL
    blink: int  # of the most severe open issue; 0 without one
    hotspot: bool = False  # the box's own is open


@dataclass(frozen=True)
class State:
    """What is shown until the next round."""

    home_assistant: bool = False
    internet: bool = False
    error: bool = False  # the log's newest records had an error
    blink: int = 0
    since: float = 0.0  # monotonic seconds: the blinking began with a pause
    hotspot: bool = False


@dataclass(frozen=True)
class Light:
    """The LEDs at one moment."""

    home_assistant: bool = False
    internet: bool = False
    error: bool = False


def step(state: State, seen: Observation, now: float) -> State:
    """Return the state after a round at ``now`` (monotonic seconds)."""
    error = seen.errors > 0 if seen.records else state.error
    after = replace(
        state,
        home_assistant=seen.home_assistant,
        internet=seen.internet,
        error=error,
        hotspot=seen.hotspot,
    )
    if seen.blink != state.blink:
        after = replace(after, blink=seen.blink, since=now)
    return after


def light(state: State, now: float) -> tuple[Light, float | None]:
    """Return what is lit at ``now`` and the moment when that changes by itself, if it does."""
    error, until = _flash(state.blink, state.since, now) if state.blink > 0 else (state.error, None)
    internet = state.internet
    if state.hotspot:
        turn = int((now + EARLY_SECONDS) / HOTSPOT_SECONDS)
        internet, change = turn % 2 == 0, (turn + 1) * HOTSPOT_SECONDS
        until = change if until is None else min(until, change)
    return Light(state.home_assistant, internet, error), until


def _flash(count: int, since: float, now: float) -> tuple[bool, float]:
    period = PAUSE_SECONDS + (2 * count - 1) * FLASH_SECONDS
    turns, phase = divmod(now - since + EARLY_SECONDS, period)
    begin = since + turns * period
    if phase < PAUSE_SECONDS:
        return False, begin + PAUSE_SECONDS
    part = min(int((phase - PAUSE_SECONDS) / FLASH_SECONDS), 2 * count - 2)
    return part % 2 == 0, begin + PAUSE_SECONDS + (part + 1) * FLASH_SECONDS


def targets_to_ask(
    targets: Sequence[str], turn: int, answered: float | None, now: float
) -> Sequence[str]:
    """Return which targets are pinged in this round.

    One, each in its turn, while answers come; all of them when the last round's did not.
    """
    if answered is not None and now - answered < 2 * ROUND_SECONDS:
        return [targets[turn % len(targets)]] if targets else []
    return targets


def is_reachable(answered: float | None, now: float) -> bool:
    """Return whether the last answer, ``answered`` (monotonic seconds), still counts."""
    return answered is not None and now - answered <= GRACE_SECONDS
