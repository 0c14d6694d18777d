"""``hems history gaps``: the ledger, for people and as CSV."""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TextIO

from hems import settings
from hems.cli import whole
from hems.history import fill, ledger
from hems.history import run as work
from hems.history.compare import SECOND
from hems.history.ledger import Gap, Ledger
from hems.table import table
from hems.times import local

DAYS = 30
TOGETHER = 60 * SECOND  # gaps of several entities that begin within this are one event
NOTHING = "No gap was found in the last {} days."
HEADINGS = ("from", "to", "entities", "missing", "filled", "state", "cause")


@dataclass(frozen=True)
class Event:
    """Gaps that are one event to a person."""

    gaps: tuple[Gap, ...]

    @property
    def end(self) -> int:
        """Return when the last one ends (ns)."""
        return max(gap.end for gap in self.gaps)

    def row(self) -> tuple[str, ...]:
        """Return its cells."""
        first = self.gaps[0]
        return (
            local(fill.utc(first.begin)),
            local(fill.utc(self.end)),
            str(len({gap.entity for gap in self.gaps})),
            str(sum(gap.points for gap in self.gaps)),
            str(sum(gap.filled for gap in self.gaps)),
            first.state,
            first.cause,
        )


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--days",
        type=whole(1, 100_000),
        default=DAYS,
        metavar="N",
        help="show the gaps of the last N days (default %(default)s)",
    )
    parser.add_argument(
        "--csv", action="store_true", help="print every gap of every entity as CSV, times in UTC"
    )


def events(gaps: Iterable[Gap]) -> list[Event]:
    """Return gaps as events: of one cause and state, one after or beside the other."""
    found: list[Event] = []
    for gap in gaps:
        for place, event in enumerate(found):
            same = (event.gaps[0].cause, event.gaps[0].state) == (gap.cause, gap.state)
            if same and gap.begin <= event.end + TOGETHER:
                found[place] = Event((*event.gaps, gap))
                break
        else:
            found.append(Event((gap,)))
    return found


def export(gaps: Iterable[Gap], stream: TextIO) -> None:
    """Write every gap as a line of CSV, with a heading."""
    names = [name for name in ledger.NAMES if name != "id"]
    writer = csv.DictWriter(stream, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for gap in gaps:
        times = {"begin": fill.utc(gap.begin), "end": fill.utc(gap.end)}
        writer.writerow({**asdict(gap), **times})


def run(options: argparse.Namespace) -> int:
    """Show the ledger."""
    appliance, wanted = settings.appliance(), work.options()
    work.token(appliance)  # only root may
    work.become(wanted.user, appliance.home_assistant.user)
    since = time.time_ns() - options.days * 86400 * SECOND
    with closing(Ledger(wanted.state / ledger.FILE)) as book:
        gaps = book.gaps(since)
    if options.csv:
        export(gaps, sys.stdout)
    elif gaps:
        print("\n".join(table(HEADINGS, [event.row() for event in events(gaps)])))
    else:
        print(NOTHING.format(options.days))
    return 0
