"""What to do about a state file: what is wrong with it, its copies → a step. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

STAMP = "%Y%m%dT%H%M%SZ"
# Home Assistant includes *.yaml, and InfluxDB opens *.tsm: a broken file must not end like that.
ASIDE = re.compile(r"\.broken-\d{8}T\d{6}Z(-\d+)?$")


@dataclass(frozen=True)
class Step:
    """What to do about one file; ``problem`` is empty for a good one."""

    problem: str = ""
    restore: str = ""  # the name of the copy that takes its place
    copy: bool = False  # the file is good, and there is no copy of it as it is
    drop: tuple[str, ...] = ()  # names of copies that are one too many


def decide(
    problem: str, copies: Sequence[tuple[str, bool]], keep: int, same_as_newest: bool
) -> Step:
    """Return what to do.

    ``copies`` are the names of the copies, the newest first, each with whether it is good; ``keep``
    is how many the box keeps of this file; ``same_as_newest`` tells whether the newest one holds
    what the file holds.
    """
    if problem:
        good = next((name for name, is_good in copies if is_good), "")
        return Step(problem, restore=good)
    if not keep or same_as_newest:
        return Step()
    return Step(copy=True, drop=tuple(name for name, _ in copies[keep - 1 :]))


def stamp(now: datetime) -> str:
    """Return a time as it stands in a name; sorts as the times do."""
    return now.astimezone(UTC).strftime(STAMP)


def aside(name: str, now: datetime, taken: Sequence[str]) -> str:
    """Return the dated name under which a broken file stays; ``taken`` are those beside it."""
    fresh = f"{name}.broken-{stamp(now)}"
    count, unique = 1, fresh
    while unique in taken:
        count += 1
        unique = f"{fresh}-{count}"
    return unique
