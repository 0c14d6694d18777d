# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""How the fleet is, judged from its receipts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from hems.receipts.core import Receipt

from playbooks.fleet.receipts import Collected

# What a site is, the worst first.
STATES = ("untrusted", "silent", "missing", "bad", "warning", "updating", "ok")
State = Literal["untrusted", "silent", "missing", "bad", "warning", "updating", "ok"]
NEEDS = ("untrusted", "silent", "missing", "bad")  # no release goes on past such a site
AHEAD = timedelta(minutes=15)  # a clock that goes so far ahead is wrong
STALE = 3600  # seconds: a meter that sends at all sends more often
EVENTS = 5000  # of the history that are kept
DAY_HOURS = 24


class Event(msgspec.Struct, frozen=True):
    """A release came to a site, or was undone there."""

    time: str  # UTC, ISO 8601: of the receipt that told it first
    site: str
    release: str
    what: Literal["taken", "undone"]
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """One site."""

    site: str
    ring: str
    state: State
    why: tuple[str, ...]  # a sentence each
    receipt: Receipt | None
    age: float | None  # seconds since its receipt was made


@dataclass(frozen=True)
class Ring:
    """One ring: how many sites are in which state and on which release, the most first."""

    name: str
    states: Mapping[str, int]
    releases: Mapping[str, int]


@dataclass(frozen=True)
class Release:
    """What became of one release."""

    name: str
    now: tuple[str, ...]  # sites that run it
    events: tuple[Event, ...]  # the latest first


def row(site: str, ring: str, found: Collected, now: datetime, silent: timedelta) -> Row:
    """Judge one site."""
    if site in found.refused:
        return Row(site, ring, "untrusted", (found.refused[site],), None, None)
    receipt = found.receipts.get(site)
    if receipt is None:
        return Row(site, ring, "missing", ("No receipt has ever come.",), None, None)
    age = now - receipt.time
    state, why = _judge(receipt, age, silent)
    if receipt.ring != ring:
        why += (f"It follows ring {receipt.ring}; the inventory says {ring or 'none'}.",)
        state = "warning" if state in ("ok", "updating") else state
    return Row(site, ring, state, why, receipt, age.total_seconds())


def _judge(receipt: Receipt, age: timedelta, silent: timedelta) -> tuple[State, tuple[str, ...]]:
    if age > silent:
        return "silent", (f"Silent for {duration(age.total_seconds())}.",)
    if age < -AHEAD:
        ahead = duration(-age.total_seconds())
        return "bad", (f"Its clock is {ahead} ahead: its receipts can't be judged.",)
    why = []
    if receipt.result in ("undone", "undoing", "failed"):
        why.append(sentence(receipt.reason or receipt.result))
    why += receipt.problems
    if receipt.critical:
        why.append(f"Critical: {', '.join(receipt.critical)}.")
    if why:
        return "bad", tuple(why)
    if receipt.result == "held":
        why.append(sentence(f"Held: {receipt.reason}"))
    if receipt.reading is not None and receipt.reading > STALE:
        why.append(f"Its newest reading is {duration(receipt.reading)} old.")
    if receipt.issues:
        why.append(f"Open: {', '.join(receipt.issues)}.")
    if receipt.result == "updating":
        return "updating", (f"Updating to {receipt.reason}.", *why)
    return ("warning" if why else "ok"), tuple(why)


def rows(
    sites: Mapping[str, str], order: Sequence[str], found: Collected, now: datetime, hours: float
) -> list[Row]:
    """Judge every site (site: ring), ring by ring; silent: without a receipt for ``hours``."""
    silent = timedelta(hours=hours)
    places = {ring: place for place, ring in enumerate(order)}
    judged = [row(site, ring, found, now, silent) for site, ring in sites.items()]
    return sorted(judged, key=lambda one: (places.get(one.ring, len(places)), one.site))


def rings(judged: Iterable[Row], order: Sequence[str]) -> list[Ring]:
    """Sum up each ring that has sites."""
    by_ring: dict[str, list[Row]] = {name: [] for name in order}
    for one in judged:
        by_ring.setdefault(one.ring, []).append(one)
    return [
        Ring(
            name or "none",
            dict(Counter(one.state for one in of).most_common()),
            dict(Counter(running(one.receipt) for one in of if one.receipt).most_common()),
        )
        for name, of in by_ring.items()
        if of
    ]


def running(receipt: Receipt) -> str:
    """Return what a site runs, for people."""
    return receipt.release or "no release"


def grow(history: Sequence[Event], receipts: Mapping[str, Receipt]) -> list[Event]:
    """Return the history with what the receipts tell beyond it, in the order of time."""
    grown = list(history)
    last = {one.site: one.release for one in history if one.what == "taken"}
    known = {(one.site, one.release) for one in history if one.what == "undone"}
    for site, receipt in sorted(receipts.items()):
        time = receipt.time.strftime("%Y-%m-%dT%H:%M:%SZ")
        if receipt.release and last.get(site) != receipt.release and receipt.result != "updating":
            grown.append(Event(time, site, receipt.release, "taken"))
        grown += [
            Event(time, site, release, "undone", reason)
            for release, reason in receipt.undone.items()
            if (site, release) not in known
        ]
    return sorted(grown, key=lambda one: one.time)[-EVENTS:]


def releases(history: Sequence[Event], judged: Iterable[Row]) -> list[Release]:
    """Return every release that is known, the one that was seen last first."""
    now: dict[str, list[str]] = {}
    for one in judged:
        if one.receipt and one.receipt.release:
            now.setdefault(one.receipt.release, []).append(one.site)
    names = dict.fromkeys(one.release for one in reversed(history)) | dict.fromkeys(now)
    return [
        Release(
            name,
            tuple(now.get(name, ())),
            tuple(one for one in reversed(history) if one.release == name),
        )
        for name in names
    ]


def unready(judged: Iterable[Row], release: str) -> list[str]:
    """Return why a release of these sites should not go on to further ones, a clause a site.

    It should when each of them has it and is well; a site that is held back does not count.
    """
    found = []
    for one in judged:
        if one.state in NEEDS:
            found.append(f"{one.site} is {one.state} ({' '.join(one.why).rstrip('.')})")
        elif one.receipt and one.receipt.result != "held" and one.receipt.release != release:
            found.append(f"{one.site} has {running(one.receipt)}")
    return found


def sentence(text: str) -> str:
    """Return a text with a full stop."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def duration(seconds: float) -> str:
    """Return a time for people: 42 s, 5 min, 3 h, 2 days."""
    if seconds < 120:
        return f"{max(0.0, seconds):.0f} s"
    minutes = seconds / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    hours = minutes / 60
    return f"{hours:.0f} h" if hours < 2 * DAY_HOURS else f"{hours / DAY_HOURS:.0f} days"
