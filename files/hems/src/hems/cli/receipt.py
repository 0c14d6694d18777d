"""``hems receipt``: what the box tells the fleet's operator of itself."""

from __future__ import annotations

import argparse
import json

from hems import HemsError
from hems.receipts import core, receipts_settings, status
from hems.times import local

SUMMARY = "show the receipt that the fleet's operator gets, and whether it was delivered"
UNPRIVILEGED = True


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("show", "key"),
        default="show",
        help="show: the newest one (this is the default); key: the public key that vouches for it",
    )


def run(options: argparse.Namespace) -> int:
    """Show it; 0 when the server has it."""
    if not (receipts_settings.settings.DIRECTORY / receipts_settings.FILE).exists():
        raise HemsError(
            "This box sends no receipts: set hems_fleet_server in the inventory and run the whole "
            "playbook (docs/receipts.md)."
        )
    newest = status.newest()
    if not newest:
        raise HemsError("There is no receipt yet: 'sudo systemctl start hems-receipt' makes one.")
    sealed = core.unseal(newest)
    if options.action == "key":
        print(sealed.key)
        return 0
    print(json.dumps(json.loads(sealed.receipt), indent=1))
    found = status.read()
    print(f"Delivered: {local(found.delivered) or 'never'}")
    if found.problem:
        print(f"NOT OK: {found.problem}")
    return 1 if found.problem else 0
