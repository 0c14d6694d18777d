"""``hems balena``: take over the site of the old system, which ran in containers on balenaOS."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from hems import HemsError, settings
from hems.balena import run as work
from hems.balena import volumes

SUMMARY = "take over the site of the old system from its volumes or its card (root only)"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "source", type=Path, help="the directory with the old volumes, or the card, as /dev/sda"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--bucket", default="", help="the old bucket with the readings")
    parser.add_argument(
        "--without", action="append", default=[], choices=work.PARTS, help="leave a part out"
    )


def run(options: argparse.Namespace) -> int:
    """Do it; 0 when all is here."""
    if os.geteuid() != 0:
        raise HemsError("Only root may do that: put 'sudo' before the command.")
    appliance = settings.appliance()
    with volumes.opened(options.source) as found:
        plan = work.plan(found, options.bucket, options.without, work.done(work.DIRECTORY))
        for line in work.told(plan):
            print(line, flush=True)
        if plan.todo and not options.dry_run:
            work.take_over(appliance, plan, lambda line: print(line, flush=True))
            print("The old system is on this box: run the playbook once more, it settles the rest.")
    return 0
