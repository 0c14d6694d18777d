# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""What playbooks/release.yml, promote.yml, new_site.yml and fleet_report.yml run.

The signers, a new site with its secrets, or a fleet with its server come as JSON on standard input.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import msgspec
from hems import HemsError

from playbooks.fleet import card, report, report_files
from playbooks.fleet.checkout import Checkout, CommandError, FleetError
from playbooks.fleet.promote import ACTIONS, Wish, promote
from playbooks.fleet.receipts import Fleet
from playbooks.fleet.release import release
from playbooks.preflight.variables import RINGS as ORDER

ROOT = Path(__file__).resolve().parents[2]


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say it and end."""
        print(f"{message.partition(': ')[2] or message}.", file=sys.stderr)
        sys.exit(2)


def _options() -> argparse.Namespace:
    parser = Parser(prog="python -m playbooks.fleet")
    parser.add_argument("--checkout", type=Path, default=ROOT)
    parser.add_argument("--remote", default="origin")
    parser.add_argument("--key", default="")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("release")
    making.add_argument("--name", required=True)
    making.add_argument("--checks", required=True)
    moving = commands.add_parser("ring")
    moving.add_argument("--ring", required=True)
    moving.add_argument("--action", choices=ACTIONS, required=True)
    moving.add_argument("--release", default="")
    moving.add_argument("--percentage", type=_percentage, default=None)
    moving.add_argument("--days", type=int, required=True)
    moving.add_argument("--despite", default="")
    writing = commands.add_parser("card")
    writing.add_argument("--to", type=Path, required=True)
    reporting = commands.add_parser("report")
    reporting.add_argument("--to", type=Path, required=True)
    return parser.parse_args()


def _percentage(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        message = f"'{text}' is no percentage from 1 to 100; a ring is halted with -e halt=true"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _card(options: argparse.Namespace, told: str) -> str:
    """Write a new site's card; ``told`` has the members of ``card.Site``."""
    site = card.Site(**json.loads(told))
    package = options.checkout / "files/hems/src/hems"
    card.write(card.files(site, package, datetime.now(UTC)), options.to)
    secret = " It has secrets until the Pi has started: keep it safe." if card.secret(site) else ""
    return f"{options.to} has what the first start of {site.name} needs.{secret}"


class Told(msgspec.Struct):
    """What promote.yml says as standard input."""

    signers: str
    fleet: Fleet | None = None  # None: no server has its receipts

    def unready(self, ring: str, release: str) -> list[str]:
        """Return what its sites' receipts have against passing a ring's release on."""
        if self.fleet is None:
            return []
        sites = {site: of for site, of in self.fleet.sites.items() if of == ring}
        now, hours = datetime.now(UTC), self.fleet.silent_hours
        return report.unready(report.rows(sites, ORDER, self.fleet.collect(), now, hours), release)


def _report(options: argparse.Namespace, told: str) -> str:
    """Write the fleet's report; ``told`` has the members of ``Fleet``."""
    fleet, now = msgspec.json.decode(told, type=Fleet, strict=False), datetime.now(UTC)
    found = fleet.collect()
    rows = report.rows(fleet.sites, ORDER, found, now, fleet.silent_hours)
    history = report.grow(report_files.read_history(options.to), found.receipts)
    told_of = report_files.Report(rows, history, ORDER, found.strange, now)
    page = report_files.write(options.to, told_of)
    ill = sum(one.state in report.NEEDS for one in rows)
    met = f" New: {', '.join(found.met)}; commit {fleet.keys}." if found.met else ""
    return f"{page} tells of {len(rows)} sites; {ill} need you.{met}"


def _do(options: argparse.Namespace, told: Told, signers: Path) -> str:
    checkout = Checkout(options.checkout, options.remote, options.key)
    if options.command == "release":
        commit = release(checkout, options.name, options.checks, signers)
        return f"{options.name} is released: {commit[:12]}. Promote it to the first ring."
    wish = Wish(
        options.ring,
        options.action,
        options.release,
        options.percentage,
        options.days,
        options.despite,
    )
    ring = promote(checkout, wish, signers, datetime.now(UTC), told.unready)
    return (
        f"Ring {ring.ring} has {ring.release} for {ring.percentage} % of its sites (serial "
        f"{ring.serial}); renew it before {ring.expires:%Y-%m-%d}."
    )


def main() -> int:
    """Do what is asked for; one sentence, and 1 where it is not done."""
    options = _options()
    told = sys.stdin.read()
    try:
        if options.command == "card":
            print(_card(options, told))
            return 0
        if options.command == "report":
            print(_report(options, told))
            return 0
        asked = msgspec.json.decode(told, type=Told, strict=False)
        with tempfile.NamedTemporaryFile("w", suffix=".signers") as file:
            file.write(asked.signers)
            file.flush()
            print(_do(options, asked, Path(file.name)))
    except (FleetError, HemsError, CommandError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
