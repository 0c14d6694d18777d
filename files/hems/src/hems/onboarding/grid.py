"""When the box has its hotspot open: state, observation, time → state and order. Pure.

GRID is all of it. Of a phase's rows the first whose condition holds counts; without one the phase
goes on. Times are seconds on a monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto

from hems.onboarding.onboarding_settings import Times


class Phase(StrEnum):
    """Where the box stands."""

    ABSENT = "absent"  # NetworkManager or the radio is not there (yet), and no uplink either
    ONLINE = "online"  # there is an uplink, by WiFi or by a cable
    SETTLING = "settling"  # there is none; networks that are stored have the first go
    OPEN = "open"  # the hotspot is up
    JOINING = "joining"  # the network that a guest has chosen is being tried
    RESTING = "resting"  # between two windows


class Order(Enum):
    """What the daemon is to do now."""

    OPEN = auto()
    CLOSE = auto()
    JOIN = auto()


@dataclass(frozen=True)
class Seen:
    """The box as it was seen, and what happened since it was last looked at."""

    uplink: bool = False  # one other than the hotspot
    usable: bool = False  # NetworkManager answers and has a radio to use
    stored: bool = False  # a network that NetworkManager joins by itself
    connecting: bool = False  # the radio is about to join one
    hotspot: bool = False  # it is up
    asked: bool = False  # somebody wants it to be
    wanted: bool = False  # a guest has chosen a network
    joined: bool | None = None  # what became of that
    refused: bool = False  # it could not be opened


@dataclass(frozen=True)
class State:
    """What is remembered."""

    phase: Phase = Phase.ABSENT
    since: float = 0.0  # when the phase began
    windows: int = 0  # that were opened since there was an uplink
    on_purpose: bool = False  # somebody asked for the window that is open
    refused: bool = False  # the last window could not be opened


Condition = Callable[[State, Seen, float, Times], bool]  # … seconds that the phase has lasted …


def uplink(_state: State, seen: Seen, _lasted: float, _times: Times) -> bool:
    """The box is reachable by another way."""
    return seen.uplink


def lost(_state: State, seen: Seen, _lasted: float, _times: Times) -> bool:
    """It is not."""
    return not seen.uplink


def usable(_state: State, seen: Seen, _lasted: float, _times: Times) -> bool:
    """A hotspot can be opened."""
    return seen.usable


def unusable(_state: State, seen: Seen, _lasted: float, _times: Times) -> bool:
    """It can't: NetworkManager is down, or the adapter is unplugged."""
    return not seen.usable


def asked(_state: State, seen: Seen, _lasted: float, _times: Times) -> bool:
    """Somebody wants it open, and it can be."""
    return seen.asked and seen.usable


def settled(_state: State, seen: Seen, lasted: float, times: Times) -> bool:
    """The networks that are stored have had their time; one that is being joined gets more."""
    settle = times.known if seen.stored else times.settle
    return lasted >= settle * (2 if seen.connecting else 1)


def rested(state: State, seen: Seen, lasted: float, times: Times) -> bool:
    """The pause is over. A network that is stored comes back by itself: one window is enough."""
    pause = times.pauses[min(max(state.windows, 1), len(times.pauses)) - 1]
    return lasted >= pause and (state.refused or not seen.stored)


def refused(_state: State, seen: Seen, _lasted: float, _times: Times) -> bool:
    """It could not be opened."""
    return seen.refused


def gone(_state: State, seen: Seen, _lasted: float, _times: Times) -> bool:
    """Somebody else took it down, as a restart of NetworkManager does."""
    return not seen.hotspot


def wanted(_state: State, seen: Seen, _lasted: float, _times: Times) -> bool:
    """A guest has chosen a network."""
    return seen.wanted


def overtaken(state: State, seen: Seen, _lasted: float, _times: Times) -> bool:
    """An uplink came, such as a cable, and nobody asked for this window."""
    return seen.uplink and not state.on_purpose


def over(_state: State, _seen: Seen, lasted: float, times: Times) -> bool:
    """The window has been open for long enough."""
    return lasted >= times.window


def joined(_state: State, seen: Seen, _lasted: float, _times: Times) -> bool:
    """The guest's network works."""
    return seen.joined is True


def failed(_state: State, seen: Seen, _lasted: float, _times: Times) -> bool:
    """It does not."""
    return seen.joined is False


@dataclass(frozen=True)
class Row:
    """One line of the grid."""

    phase: Phase
    when: Condition
    then: Phase
    order: Order | None = None


GRID = (
    Row(Phase.ABSENT, uplink, Phase.ONLINE),
    Row(Phase.ABSENT, usable, Phase.SETTLING),
    Row(Phase.ONLINE, asked, Phase.OPEN, Order.OPEN),
    Row(Phase.ONLINE, lost, Phase.SETTLING),
    Row(Phase.SETTLING, asked, Phase.OPEN, Order.OPEN),
    Row(Phase.SETTLING, uplink, Phase.ONLINE),
    Row(Phase.SETTLING, unusable, Phase.ABSENT),
    Row(Phase.SETTLING, settled, Phase.OPEN, Order.OPEN),
    Row(Phase.OPEN, refused, Phase.RESTING, Order.CLOSE),
    Row(Phase.OPEN, unusable, Phase.ABSENT, Order.CLOSE),
    Row(Phase.OPEN, gone, Phase.SETTLING, Order.CLOSE),
    Row(Phase.OPEN, wanted, Phase.JOINING, Order.JOIN),
    Row(Phase.OPEN, overtaken, Phase.ONLINE, Order.CLOSE),
    Row(Phase.OPEN, over, Phase.RESTING, Order.CLOSE),
    Row(Phase.JOINING, joined, Phase.ONLINE, Order.CLOSE),
    Row(Phase.JOINING, failed, Phase.OPEN, Order.OPEN),
    Row(Phase.RESTING, asked, Phase.OPEN, Order.OPEN),
    Row(Phase.RESTING, uplink, Phase.ONLINE),
    Row(Phase.RESTING, unusable, Phase.ABSENT),
    Row(Phase.RESTING, rested, Phase.OPEN, Order.OPEN),
)


def decide(state: State, seen: Seen, now: float, times: Times) -> tuple[State, Order | None]:
    """Return the new state, and what to do now."""
    state = replace(state, refused=seen.refused or state.refused)
    lasted = now - state.since
    for row in GRID:
        if row.phase is state.phase and row.when(state, seen, lasted, times):
            return _entered(state, row, now), row.order
    return state, None


def _entered(state: State, row: Row, now: float) -> State:
    after = replace(state, phase=row.then, since=now)
    if row.then is Phase.ONLINE:
        return State(Phase.ONLINE, now)
    if row.order is Order.OPEN:
        on_purpose = row.when is asked or (state.on_purpose and row.when is failed)
        return replace(after, windows=state.windows + 1, on_purpose=on_purpose, refused=False)
    return after
