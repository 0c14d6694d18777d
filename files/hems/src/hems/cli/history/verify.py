"""``hems history verify``: compare point by point, and fill nothing."""

from __future__ import annotations

import argparse

from hems import settings
from hems.cli import whole
from hems.history import rolling
from hems.history import run as work
from hems.history.compare import SECOND
from hems.history.fill import utc
from hems.times import local


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--days",
        type=whole(1, 100_000),
        metavar="N",
        help="compare only the last N days (default: all that Home Assistant's recorder has)",
    )


def run(options: argparse.Namespace) -> int:
    """Compare, write down what is missing, and say it."""
    appliance, wanted = settings.appliance(), work.options()
    secret = work.token(appliance)
    work.become(wanted.user, appliance.home_assistant.user)
    with work.opened(appliance, wanted, secret) as history:
        begin, end = history.span()
        if options.days:
            begin = max(begin, end - options.days * 86400 * SECOND)
        found = history.verify(begin, end, closely=True)
        work.tell(wanted, history)
        proven = history.ledger.progress(rolling.ROLLED)
    if wanted.rollups and proven is not None:
        print(f"Hours and days are those of the readings up to {local(utc(proven))}.")
    if not found.lost:
        print(f"Nothing is missing: each of {found.compared} readings is in InfluxDB.")
        return 0
    print(
        f"{found.lost} of {found.compared} readings are missing in InfluxDB: "
        "'sudo hems history fill' restores them."
    )
    return 1
