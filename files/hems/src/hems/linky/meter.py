"""From a meter's successive values to what is published: energy that only goes up. Pure.

What contradicts the reading before (an index or a clock that goes backward, an index that goes
further than any house can draw, another meter's number, the other mode) is held back. When
CONFIRMATIONS readings in a row agree with each other, it was no error: the meter was exchanged or
switched over. The published counters then go on from where they were, by what the new meter counts
from its first such reading. They must be spread over longer than a reader's pause between two
frames: old frames that somebody sends again, in whatever number, have a new one among them by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from hems.linky.labels import LABELS, POWER, PRODUCTION, TARIFF, TOTAL, Mode

CONFIRMATIONS = 3  # readings that must agree
MOST_WATTS = 250_000  # more than a Linky (36 kVA, three phase) can pass, with room
MARGIN_WH = 1_000  # whatever the time since the last reading
CLOCK_SECONDS = 60  # by which the grid may set a meter's clock back

Value = int | float | str | None  # None: the meter gave none


class Contradiction(Enum):
    """How a reading can contradict the one before; the value is in words."""

    METER = "another meter answers"
    MODE = "the meter was switched to its other mode"
    BACKWARD = "an index went backward"
    JUMP = "an index went up by more than a house can draw"
    CLOCK = "the meter's clock went backward"


@dataclass(frozen=True)
class Reading:
    """What a reader delivered: the meter's whole units (Wh, VA, A …) by label, None where empty.

    ``meter`` tells meters apart, without being the meter's number; it is empty where a frame does
    not say it. ``elapsed`` is the seconds since the last reading that was taken, None where nobody
    knows. ``clock`` is the meter's own, in seconds, None where it gives none; ``at`` the box's, in
    monotonic seconds.
    """

    meter: str
    mode: Mode
    values: Mapping[str, int | str | None]
    elapsed: float | None = None
    clock: float | None = None
    at: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """The counters among the values: Wh and varh."""
        return {
            label: value
            for label, value in self.values.items()
            if isinstance(value, int) and LABELS[label].kind.counts
        }


@dataclass(frozen=True)
class Doubt:
    """Readings that contradict what is known and agree with each other.

    ``first`` and ``latest`` are what each counter among them said first and last, ``clock`` what
    the meter's clock said last, ``since`` when the first of them came, in monotonic seconds.
    """

    contradiction: Contradiction
    meter: str
    mode: Mode
    first: Mapping[str, int]
    latest: Mapping[str, int]
    clock: float | None
    since: float
    count: int = 1

    def agrees(self, reading: Reading) -> bool:
        """Whether a reading could follow these."""
        known = Known(self.meter, self.mode, self.latest, self.clock)
        return _contradiction(known, reading) is None

    def and_also(self, reading: Reading) -> Doubt:
        """Return these with one more."""
        return replace(
            self,
            meter=self.meter or reading.meter,
            first={**reading.counts, **self.first},
            latest={**self.latest, **reading.counts},
            clock=self.clock if reading.clock is None else reading.clock,
            count=self.count + 1,
        )


@dataclass(frozen=True)
class Known:
    """What a reading must not contradict; ``raw`` is the meter's own indexes, Wh."""

    meter: str = ""
    mode: Mode | None = None
    raw: Mapping[str, int] = field(default_factory=dict)
    clock: float | None = None


@dataclass(frozen=True)
class State(Known):
    """What is known of a meter; ``published`` is its indexes as we count them on, Wh."""

    published: Mapping[str, int] = field(default_factory=dict)
    total: int | None = None  # Wh; the whole consumption, as published
    doubt: Doubt | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)  # readings, by contradiction
    changed: str = ""  # the last exchange or switch, in words


def take(
    state: State, reading: Reading, confirm: float = 0.0
) -> tuple[State, dict[str, Value] | None]:
    """Return the new state and what to publish by name; None when the reading is held back.

    ``confirm`` is over how many seconds readings must agree to outweigh what was known before.
    Names are those of ``name_of``, and energy, power and tariff, which every meter has; energy is
    in kWh, reactive energy in kvarh, the rest as the meter gives it.
    """
    problem = _contradiction(state, reading)
    if problem is None:
        return _accept(_forget_doubt(state), reading)
    doubt = state.doubt
    if doubt is not None and doubt.agrees(reading):
        doubt = doubt.and_also(reading)
    else:
        state = _forget_doubt(state)
        counts = reading.counts
        doubt = Doubt(
            problem, reading.meter, reading.mode, counts, counts, reading.clock, reading.at
        )
    if doubt.count < CONFIRMATIONS or reading.at - doubt.since < confirm:
        return replace(state, doubt=doubt), None
    return _accept(_rebased(state, doubt), reading)


def _contradiction(known: Known, reading: Reading) -> Contradiction | None:
    if known.meter and reading.meter and reading.meter != known.meter:
        return Contradiction.METER
    if known.mode is not None and reading.mode is not known.mode:
        return Contradiction.MODE
    most = None
    if reading.elapsed is not None:
        most = MARGIN_WH + reading.elapsed * MOST_WATTS / 3600
    for label, count in reading.counts.items():
        before = known.raw.get(label)
        if before is None:
            continue
        if count < before:
            return Contradiction.BACKWARD
        if most is not None and count - before > most:
            return Contradiction.JUMP
    then, now = known.clock, reading.clock
    if then is not None and now is not None and now < then - CLOCK_SECONDS:
        return Contradiction.CLOCK
    return None


def _forget_doubt(state: State) -> State:
    if state.doubt is None:
        return state
    name = state.doubt.contradiction.name.lower()
    dropped = {**state.dropped, name: state.dropped.get(name, 0) + state.doubt.count}
    return replace(state, doubt=None, dropped=dropped)


def _rebased(state: State, doubt: Doubt) -> State:
    """Return the state as if the doubted readings' first had been the last one before."""
    return replace(
        state,
        meter=doubt.meter or state.meter,
        mode=doubt.mode,
        raw=doubt.first,
        clock=doubt.clock,
        doubt=None,
        changed=doubt.contradiction.value,
    )


def _accept(state: State, reading: Reading) -> tuple[State, dict[str, Value]]:
    counts = reading.counts
    raw = {**state.raw, **counts}
    published = dict(state.published)
    for label, count in counts.items():
        if label in state.raw:
            published[label] = published.get(label, 0) + count - state.raw[label]
        else:
            published.setdefault(label, count)
    total, drawn = _total(state, reading)
    after = replace(
        state,
        meter=reading.meter or state.meter,
        mode=reading.mode,
        raw=raw,
        clock=state.clock if reading.clock is None else reading.clock,
        published=published,
        total=total,
    )
    return after, _values(after, reading, drawn)


def _total(state: State, reading: Reading) -> tuple[int | None, int | None]:
    """Return the whole consumption and what of it is new, Wh.

    A tariff's index that appears later (the contract was changed) had counted before already:
    only its increase is new.
    """
    counted = {
        label: count for label, count in reading.counts.items() if label in TOTAL[reading.mode]
    }
    if not counted:
        return state.total, None
    known = [label for label in counted if label in state.raw]
    drawn = sum(counted[label] - state.raw[label] for label in known) if known else None
    if state.total is None:
        return sum(counted.values()), drawn
    return state.total + (drawn or 0), drawn


def _values(state: State, reading: Reading, drawn: int | None) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for label, value in reading.values.items():
        about = LABELS[label].kind
        if not about.counts or value is None:
            found[name_of(label)] = value
        else:
            found[name_of(label)] = state.published[label] / about.divisor
    delivered = any(label in TOTAL[reading.mode] for label in reading.counts)
    found["energy"] = state.total / 1000 if delivered and state.total is not None else None
    power = next((reading.values[label] for label in POWER if label in reading.values), None)
    if power is None and drawn is not None and reading.elapsed:
        power = round(drawn * 3600 / reading.elapsed)
    found["power"] = power
    found["tariff"] = next((reading.values[one] for one in TARIFF if reading.values.get(one)), None)
    return found


NAMES = {PRODUCTION: "energy_produced"}


def name_of(label: str) -> str:
    """Return the name that a label is published by: the end of its entity's id."""
    return NAMES.get(label, label.lower().replace("-", "_").replace("+", "_next"))
