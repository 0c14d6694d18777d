"""Keep the hours and days those of the readings, and bound the readings once that is proven.

InfluxDB's own tasks make an hour when it has ended. What comes later (filled, bridged, set right by
``hems-clock``), and what InfluxDB has slept through, is found by the counts and made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from hems.history import HistoryError, rollup
from hems.history.compare import SECOND
from hems.history.fill import DAY, History, utc
from hems.history.influxdb import CURE
from hems.history.rollup import HOUR
from hems.history.tiers import DAILY, HOURLY, Tiers

ROLLED = "rolled"  # progress: all hours and days before it were compared
RAN = "ran"  # progress: when the last run was
MOVED = "moved"  # progress: how many spans of dates that were set right have been looked at
STEADY = "steady"  # progress: since when a run has followed the other within a day
LATE = 60 * SECOND  # Home Assistant's batches, after the hour's end
BEHIND = 2 * DAY  # so far behind now may be what is proven
UNLIKE = "The {} of {} is not that of its readings, though it was made again: {}"


@dataclass
class Rolled:
    """What was made again."""

    hours: int = 0
    days: int = 0
    finished: bool = True


@dataclass(frozen=True)
class Plan:
    """The Flux of an hour and of a day, the zone of the days, and for how long readings stay.

    ``keep`` in ns, 0 for ever. ``moved``: which dates hems-clock has set right (from, to; ns).
    """

    hourly: str
    daily: str
    zone: ZoneInfo
    keep: int
    moved: tuple[tuple[int, int], ...]


def read(directory: Path, zone: str, days: int, moved: tuple[tuple[int, int], ...]) -> Plan:
    """Return the plan. Raises HistoryError when the Flux can't be read."""
    try:
        hourly, daily = (
            (directory / f"{name}.flux").read_text(encoding="utf-8") for name in ("hourly", "daily")
        )
        return Plan(hourly, daily, ZoneInfo(zone), days * DAY, moved)
    except (OSError, ValueError, KeyError) as error:
        raise HistoryError(
            f"What makes hours and days can't be read ({error}): run the whole playbook."
        ) from error


def retain(history: History, tiers: Tiers, keep: int) -> None:
    """Have InfluxDB keep the readings for ``keep`` (ns, 0 for ever), when all is proven.

    It deletes by the box's clock, so one that jumped ahead would cost all of them. They are kept
    for ever until a run has followed the other for a day, and while the proof is not up to date.
    """
    now, ledger = history.now, history.ledger
    last, steady = ledger.progress(RAN), ledger.progress(STEADY)
    if last is None or steady is None or not 0 <= now - last < DAY:
        steady = now
        ledger.advance(STEADY, steady)
    ledger.advance(RAN, now)
    proven = ledger.progress(ROLLED)
    safe = proven is not None and 0 <= now - proven < BEHIND and now - steady >= DAY
    wanted = keep if safe else 0
    if tiers.kept() != wanted:
        tiers.keep(wanted)


def roll(history: History, tiers: Tiers, plan: Plan, since: int, deadline: float) -> Rolled:
    """Make what is not as it should be, from ``since`` (ns) and where an earlier run was stopped.

    0 is since the first reading.
    """
    done = Rolled()
    end = history.now - LATE
    end -= end % HOUR
    for at in history.ledger.pended():
        _hour(history, tiers, plan, at, done)
    kept = tiers.kept()
    floor = history.now - kept + DAY if kept else 0  # InfluxDB deletes readings before it
    _set_right(history, tiers, plan, (floor, end), done)
    proven = history.ledger.progress(ROLLED)
    if since == 0 or proven is None or proven > history.now:
        begin = min(tiers.first_after(0).values(), default=end)
    else:
        begin = min(proven, since)
    day = rollup.day_of(max(floor, begin), plan.zone)
    while day < end:
        stop = min(rollup.day_after(day, plan.zone), end)
        _day(history, tiers, plan, (day, stop), done)
        history.ledger.advance(ROLLED, stop)
        if history.clock() >= deadline and stop < end:
            done.finished = False
            break
        day = stop
    return done


def _set_right(
    history: History, tiers: Tiers, plan: Plan, span: tuple[int, int], done: Rolled
) -> None:
    """Look once at the days under whose dates readings were that hems-clock has set right."""
    if len(plan.moved) == (history.ledger.progress(MOVED) or 0):
        return
    floor, end = span
    for first, last in plan.moved:
        day = rollup.day_of(first, plan.zone)
        while day <= last:
            after = rollup.day_after(day, plan.zone)
            if day >= end:  # that day is still to come
                tiers.erase(HOURLY, day, after)
                tiers.erase(DAILY, day, after)
            elif day >= floor:
                _day(history, tiers, plan, (day, min(after, end)), done)
            day = after
    history.ledger.advance(MOVED, len(plan.moved))


def _day(history: History, tiers: Tiers, plan: Plan, span: tuple[int, int], done: Rolled) -> None:
    day, stop = span
    raw, hours = tiers.raw(day, stop), tiers.hours(day, stop)
    wrong = rollup.stale(raw, hours, plan.moved)
    if wrong:
        after, last = rollup.following(raw, hours, wrong)
        if last:
            heard = tiers.first_after(stop)
            after |= {at - at % HOUR for one, at in heard.items() if one in last}
        _pend(history, wrong | after)
        for at in history.ledger.pended():
            _hour(history, tiers, plan, at, done)
        raw, hours = tiers.raw(day, stop), tiers.hours(day, stop)
        if left := rollup.stale(raw, hours, plan.moved):
            raise HistoryError(UNLIKE.format("hour", utc(min(left)), CURE))
    if not rollup.day_is_stale(hours, tiers.day(day)):
        return
    if any(rollup.is_moved(at, plan.moved) for at in range(day, stop, HOUR)):
        tiers.erase(DAILY, day, day + HOUR)
    tiers.run(plan.daily, stop)
    done.days += 1
    if rollup.day_is_stale(hours, tiers.day(day)):
        raise HistoryError(UNLIKE.format("day", utc(day), CURE))


def _pend(history: History, hours: set[int]) -> None:
    """Write down which hours have to be made again, and that their days are not proven."""
    ended = [at for at in hours if at + HOUR <= history.now - LATE]
    proven = history.ledger.progress(ROLLED)
    if proven is not None and ended and min(ended) < proven:
        history.ledger.advance(ROLLED, min(ended))
    history.ledger.pend(ended)


def _hour(history: History, tiers: Tiers, plan: Plan, at: int, done: Rolled) -> None:
    if rollup.is_moved(at, plan.moved):
        tiers.erase(HOURLY, at, at + HOUR)
    tiers.run(plan.hourly, at + HOUR)
    history.ledger.unpend(at)
    done.hours += 1
