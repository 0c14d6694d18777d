"""Why readings are missing: what the watchdog wrote down of that time. Pure.

The watchdog's log (``hems why``) is the one record of faults; Home Assistant's own of when it ran
fills in what the watchdog does not see, a restart by hand.

Two questions: why InfluxDB lacks what the recorder has (``lost``: the database, else Home Assistant
that ended with readings in its hand, never what is before it), and why nobody measured
(``unheard``: never the database).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from hems.history.line import EPOCH
from hems.watchdog.journal import Entry

SECOND = 1_000_000_000  # ns
SLACK = 60 * SECOND  # a look, and a batch that was on its way
START = 300 * SECOND  # around a start of the box: of when it went down there is no record
NOT_KNOWN = "not known"
SPAN = re.compile(r"from (\S+Z) to (\S+Z)")

DOWN = {
    "influxdb": "InfluxDB was down",
    "home-assistant": "Home Assistant was down",
    "mosquitto": "the MQTT broker was down",
}
HUNG = "InfluxDB hung until it was restarted"
FULL = "the disk was full"
REBOOTED = "the box rebooted itself"
POWER = "the box lost its power or was restarted"
RESTARTED = "Home Assistant was restarted"
UPDATED = "Home Assistant was updated"


class Where(Enum):
    """What a disturbance was of."""

    STORE = "InfluxDB"
    WRITER = "Home Assistant"
    SOURCE = "what is before Home Assistant"
    BOX = "all of the box"


UNITS = {"influxdb": Where.STORE, "home-assistant": Where.WRITER, "mosquitto": Where.SOURCE}


@dataclass(frozen=True)
class Disturbance:
    """A time in which something was wrong: from, to (ns since 1970), what, and with which part.

    When it is not ``exact``, something was wrong at some time in it.
    """

    begin: int
    end: int
    what: str
    where: Where
    exact: bool = True


def moment(text: str) -> int | None:
    """Return an ISO 8601 time in ns since 1970; None when it is none."""
    try:
        return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1) * 1000
    except (ValueError, TypeError):
        return None


def disturbances(
    entries: Sequence[Entry], starts: Iterable[tuple[int, int]] = ()
) -> list[Disturbance]:
    """Return the disturbances that the watchdog's log tells of.

    ``starts`` are the times (from, to; ns) in which Home Assistant's recorder did not run.
    """
    found = [one for entry in entries if (one := _one(entry, entries)) is not None]
    boxes = [one for one in found if one.where is Where.BOX]
    for begin, end in starts:
        # Home Assistant did not run because the box did not: that is known to the second.
        box = next((one for one in boxes if begin <= one.begin + START <= end + SLACK), None)
        what, where = (RESTARTED, Where.WRITER) if box is None else (box.what, Where.BOX)
        found.append(Disturbance(begin, end, what, where))
    return found


def _one(entry: Entry, entries: Sequence[Entry]) -> Disturbance | None:
    unit = entry.subject.removesuffix(".service")
    if entry.verb == "gap" and unit in DOWN and (span := SPAN.search(entry.observed)):
        begin, end = moment(span[1]), moment(span[2])
        if begin is not None and end is not None:
            why = _why(entry.subject, unit, begin, end, entries)
            return Disturbance(begin, end, why, UNITS[unit])
    at = moment(entry.time)
    if entry.verb == "start" and entry.subject == "box" and at is not None:
        itself = entry.cause.startswith("the watchdog")
        what = REBOOTED if itself else POWER
        return Disturbance(at - START, at + START, what, Where.BOX, exact=False)
    return None


def _why(subject: str, unit: str, begin: int, end: int, entries: Sequence[Entry]) -> str:
    for entry in entries:
        at = moment(entry.time)
        if entry.subject != subject or at is None or not begin <= at <= end + SLACK:
            continue
        if "disk was full" in entry.cause or "no room" in entry.observed:
            return FULL
        if entry.verb == "restart" and "is installed" in entry.observed:
            return UPDATED
        if unit == "influxdb" and entry.verb in ("restart", "kill"):
            return HUNG
    return DOWN[unit]


def lost(begin: int, end: int, known: Iterable[Disturbance]) -> str:
    """Return why InfluxDB lacks readings from ``begin`` to ``end`` (ns) that the recorder has."""
    return _best(begin, end, known, (Where.STORE, Where.WRITER, Where.BOX))


def unheard(begin: int, end: int, known: Iterable[Disturbance]) -> str:
    """Return why nothing was measured from ``begin`` to ``end`` (ns)."""
    return _best(begin, end, known, (Where.WRITER, Where.SOURCE, Where.BOX))


def _best(begin: int, end: int, known: Iterable[Disturbance], nearest: Sequence[Where]) -> str:
    """Return what explains that time best.

    What was going on in it goes before what was at some time around it, the ``nearest`` part before
    those behind it; of the same part, it is what covers most, and the shorter one when even.
    """
    best, most = NOT_KNOWN, (False, -len(nearest), -SLACK, 0)
    for one in known:
        covered = min(end, one.end) - max(begin, one.begin)
        if one.where not in nearest or covered < -SLACK:
            continue
        rank = (one.exact and covered >= 0, -nearest.index(one.where), covered, one.begin - one.end)
        if rank > most:
            best, most = one.what, rank
    return best
