"""``hems zigbee backup``."""

from __future__ import annotations

import argparse

from hems import settings
from hems.zigbee import care


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--before-update",
        action="store_true",
        help="wait for Zigbee; accept an older backup if the dongle is missing or broken",
    )
    parser.add_argument(
        "--inside", default="", metavar="WORK", help="run under the lock that WORK holds"
    )


def run(options: argparse.Namespace) -> int:
    """Keep a backup and say where it is."""
    appliance = settings.appliance()
    path = (
        care.backup_before_update(appliance, options.inside, print)
        if options.before_update
        else care.backup(appliance, options.inside)
    )
    if path is None:
        return 0
    print(f"{path} (it contains the network's key: keep it where only you can read it)")
    return 0
