"""What the house has used, from the readings of meters that are exchanged and at times err (pure).

All energies are in kWh, all days ISO dates of the site's time zone. Nothing here knows a unit that
an owner may choose for display.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

# A display in therms or GJ has three decimals of a kWh at most: a reading that is lower by less
# than this is the same one.
ROUNDING = 0.005
DAYS_KEPT = 31


@dataclass(frozen=True)
class Ledger:
    """What is remembered between two readings, and over a restart."""

    meter: float | None = None  # its last reading that was taken
    offset: float = 0.0  # what earlier meters had counted more than their successors began with
    doubt: float | None = None  # one that can't be, and that nothing has confirmed yet
    dropped: int = 0  # such readings that the next one contradicted
    exchanged: int = 0  # such readings that the next one confirmed
    day: str = ""  # the day that is counted
    base: float = 0.0  # energy at its beginning
    days: Mapping[str, float] = field(default_factory=dict)  # what the days before it used
    unsure: float | None = None  # energy at a start whose clock nobody has confirmed …
    unsure_day: str = ""  # … the day that was counted then …
    unsure_base: float = 0.0  # … and energy at its beginning

    @property
    def energy(self) -> float | None:
        """What the house has used in all; it never falls."""
        return None if self.meter is None else round(self.meter + self.offset, 6)

    @property
    def today(self) -> float | None:
        """What it has used since midnight."""
        return None if self.energy is None else round(self.energy - self.base, 6)


def read(ledger: Ledger, kwh: float, most: float | None = None) -> Ledger:
    """Take a reading, or let one that can't be wait for the next, which contradicts or confirms it.

    It can't be when it is lower than the last one, or higher by more than ``most``: the kWh that
    the house can have used since then (None: nobody knows).
    """
    if ledger.meter is None:
        if kwh < ROUNDING and ledger.doubt is None:
            return replace(ledger, doubt=kwh)  # a reader's 0 before it has read its meter
        return replace(ledger, meter=kwh, base=kwh, doubt=None)
    if _goes_on(ledger.meter, ledger.doubt, kwh, most):
        lone = ledger.doubt is not None
        meter = max(ledger.meter, kwh)
        return replace(ledger, meter=meter, doubt=None, dropped=ledger.dropped + lone)
    if ledger.doubt is None:
        return replace(ledger, doubt=kwh)
    if kwh < ROUNDING and ledger.doubt < ROUNDING:
        return ledger  # a new meter's 0 or a restarted reader's: nothing is lost by waiting
    if kwh < ledger.doubt - ROUNDING or (most is not None and kwh > ledger.doubt + most + ROUNDING):
        return replace(ledger, doubt=kwh, dropped=ledger.dropped + 1)
    # Another meter, or one that was reset: it goes on from what the last one had.
    offset = ledger.offset + ledger.meter - ledger.doubt
    meter = max(ledger.doubt, kwh)
    return replace(ledger, meter=meter, offset=offset, doubt=None, exchanged=ledger.exchanged + 1)


def bound(watts: float, seconds: float) -> float:
    """Return the kWh that a power makes in a time: the most that a reading may be higher."""
    return watts * seconds / 3_600_000


def _goes_on(last: float, doubt: float | None, kwh: float, most: float | None) -> bool:
    """Whether a reading can be of the same meter as the last one that was taken."""
    if kwh < last - ROUNDING:
        return False
    if most is None:
        # What was too much before a restart does not become right by it.
        return doubt is None or doubt < last or kwh < doubt - ROUNDING
    return kwh <= last + most + ROUNDING


def turn(ledger: Ledger, today: str) -> Ledger:
    """Begin a new day when it is one."""
    if ledger.energy is None or not ledger.day:
        return replace(ledger, day=today)
    if today == ledger.day or (today < ledger.day and ledger.unsure_day):
        return ledger  # a clock that nobody has confirmed is behind what was counted already
    days, base = dict(ledger.days), ledger.base
    if today > ledger.day:
        days[ledger.day] = round(ledger.energy - base, 6)
        base = ledger.energy
    else:
        # The clock was ahead: what has been counted since that day belongs to it.
        for later in [day for day in days if day >= today]:
            base -= days.pop(later)
    kept = dict(sorted(days.items())[-DAYS_KEPT:])
    return replace(ledger, day=today, base=round(base, 6), days=kept)


def doubt_clock(ledger: Ledger) -> Ledger:
    """Remember where a start begins to count by a clock that may be wrong."""
    return replace(ledger, unsure=ledger.energy, unsure_day=ledger.day, unsure_base=ledger.base)


def trust_clock(ledger: Ledger) -> Ledger:
    """Forget that; from now on the days are right."""
    return replace(ledger, unsure=None, unsure_day="", unsure_base=0.0)


def correct_clock(ledger: Ledger, today: str) -> Ledger:
    """Move what was counted under wrong days to the right ones; ``today`` is the right day."""
    if ledger.unsure is None and not ledger.days and today > ledger.day:
        return replace(ledger, day=today)  # it began to count by that clock
    if ledger.unsure is None or not ledger.unsure_day or today <= ledger.day:
        return turn(trust_clock(ledger), today)
    step = date.fromisoformat(today) - date.fromisoformat(ledger.day)
    days, base = dict(ledger.days), ledger.base
    before = round(ledger.unsure - ledger.unsure_base, 6)
    if ledger.day == ledger.unsure_day:
        base = ledger.unsure
    else:
        since = {day: days.pop(day) for day in list(days) if day >= ledger.unsure_day}
        since[ledger.unsure_day] = round(since.get(ledger.unsure_day, before) - before, 6)
        days |= {(date.fromisoformat(day) + step).isoformat(): kwh for day, kwh in since.items()}
    days[ledger.unsure_day] = before
    return replace(trust_clock(ledger), day=today, base=base, days=days)


def week(ledger: Ledger) -> list[tuple[str, float | None]]:
    """Return the last seven days, the newest first, and what each used; None: nobody knows."""
    if not ledger.day:
        return []
    newest = date.fromisoformat(ledger.day).toordinal()
    past = [date.fromordinal(newest - back).isoformat() for back in range(1, 7)]
    return [(ledger.day, ledger.today), *((day, ledger.days.get(day)) for day in past)]


def dump(ledger: Ledger) -> dict[str, Any]:
    """Return what is written to the disk."""
    return asdict(ledger)


def load(stored: Mapping[str, Any] | None) -> Ledger:
    """Return what was written, or an empty ledger; names of another release are ignored."""
    known = Ledger.__dataclass_fields__
    return Ledger(**{key: value for key, value in (stored or {}).items() if key in known})
