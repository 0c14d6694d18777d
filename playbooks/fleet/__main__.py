# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""What playbooks/release.yml and playbooks/promote.yml run; the signers come as standard input."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from hems import HemsError

from playbooks.fleet.checkout import Checkout, CommandError, FleetError
from playbooks.fleet.promote import ACTIONS, Wish, promote
from playbooks.fleet.release import release

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
    parser.add_argument("--remote", required=True)
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
    return parser.parse_args()


def _percentage(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        message = f"'{text}' is no percentage from 1 to 100; a ring is halted with -e halt=true"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _do(options: argparse.Namespace, signers: Path) -> str:
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
    ring = promote(checkout, wish, signers, datetime.now(UTC))
    return (
        f"Ring {ring.ring} has {ring.release} for {ring.percentage} % of its sites (serial "
        f"{ring.serial}); renew it before {ring.expires:%Y-%m-%d}."
    )


def main() -> int:
    """Do what is asked for; one sentence, and 1 where it is not done."""
    options = _options()
    with tempfile.NamedTemporaryFile("w", suffix=".signers") as file:
        file.write(sys.stdin.read())
        file.flush()
        try:
            print(_do(options, Path(file.name)))
        except (FleetError, HemsError, CommandError, OSError) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
