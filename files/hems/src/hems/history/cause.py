"""Why readings are missing: what the watchdog wrote down of that time. Pure.

The watchdog's log (``hems why``) is the one record of faults; Home Assistant's own of when it ran
fills in what the watchdog does not see, a restart by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hems.history.line import EPOCH
from hems.watchdog.journal import Entry

SECOND = 1_000_000_000  # ns
SLACK = 60 * SECOND  # a look, and a batch that was on its way
START = 300 * SECOND  # around a start of the box
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


@dataclass(frozen=True)
class Disturbance:
    """A time in which something was wrong: from, to (ns since 1970), and what."""

    begin: int
    end: int
    what: str


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
    found.extend(Disturbance(begin, end, RESTARTED) for begin, end in starts)
    return found


def _one(entry: Entry, entries: Sequence[Entry]) -> Disturbance | None:
    unit = entry.subject.removesuffix(".service")
    if entry.verb == "gap" and unit in DOWN and (span := SPAN.search(entry.observed)):
        begin, end = moment(span[1]), moment(span[2])
        if begin is not None and end is not None:
            return Disturbance(begin, end, _why(entry.subject, unit, begin, end, entries))
    at = moment(entry.time)
    if entry.verb == "start" and entry.subject == "box" and at is not None:
        itself = entry.cause.startswith("the watchdog")
        return Disturbance(at - START, at + START, REBOOTED if itself else POWER)
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


def classify(begin: int, end: int, known: Iterable[Disturbance]) -> str:
    """Return why readings from ``begin`` to ``end`` (ns) are missing.

    Of several disturbances it is the one that covers most of that time; the first, when even.
    """
    best, most = NOT_KNOWN, -1
    for one in known:
        covered = min(end, one.end + SLACK) - max(begin, one.begin - SLACK)
        if covered > most:
            best, most = one.what, covered
    return best
