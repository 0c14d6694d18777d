"""From power to a meter's pulses and back, as a pulse reader on the meter's LED does it. Pure.

At 1000 imp/kWh a pulse is 1 Wh, which is 3 600 000 W·ms: so many ms after the one before, it
tells of 3 600 000 / ms W. The counter is what is exact; power is only ever known from pulses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

PULSES_PER_KWH = 1_000
WATT_MS_PER_PULSE = 3_600_000_000 / PULSES_PER_KWH


@dataclass(frozen=True)
class Reading:
    """What the reader reports: W, and kWh since the meter was made."""

    watts: float
    kwh: float


@dataclass(frozen=True)
class Meter:
    """The meter's counter and what its reader has seen of the LED. Times in ms of the meter."""

    pulses: int = 0
    now: float = 0.0
    remainder: float = 0.0  # W·ms on the way to the next pulse
    last_pulse: float | None = None
    interval: float | None = None  # between the last two pulses


def running(pulses: int, remainder: float, watts: float) -> Meter:
    """Return a meter that has been counting at ``watts`` for a while: its reader knows the load."""
    interval = WATT_MS_PER_PULSE / watts if watts else None
    since = remainder / watts if watts else 0.0
    return Meter(pulses, 0.0, remainder, -since if interval else None, interval)


def advance(meter: Meter, watts: float, ms: float) -> Meter:
    """Let ``ms`` pass at a constant power and return the meter after them.

    Raises ValueError for a negative power or time: this meter has no return counter.
    """
    if watts < 0 or ms < 0:
        raise ValueError(f"A meter can't count {watts} W over {ms} ms.")
    energy = meter.remainder + watts * ms
    new = int(energy // WATT_MS_PER_PULSE)
    end = meter.now + ms
    if not new:
        return replace(meter, now=end, remainder=energy)
    remainder = energy - new * WATT_MS_PER_PULSE
    last = end - remainder / watts
    if new > 1:
        interval: float | None = WATT_MS_PER_PULSE / watts
    else:
        interval = None if meter.last_pulse is None else last - meter.last_pulse
    return Meter(meter.pulses + new, end, remainder, last, interval)


def reading(meter: Meter) -> Reading:
    """Return what the reader knows now.

    While the next pulse is overdue, the power is at most what that delay allows: without it, a load
    that was switched off would be shown for ever.
    """
    kwh = meter.pulses / PULSES_PER_KWH
    if meter.last_pulse is None or meter.interval is None:
        return Reading(0.0, kwh)
    longest = max(meter.interval, meter.now - meter.last_pulse)
    return Reading(round(WATT_MS_PER_PULSE / longest, 1), kwh)
