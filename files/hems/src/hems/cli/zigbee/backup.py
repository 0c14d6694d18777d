"""``hems zigbee backup``."""

from __future__ import annotations

import argparse

from hems import settings
from hems.zigbee import care


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--if-loaded", action="store_true", help="do nothing where Zigbee does not run"
    )
    parser.add_argument(
        "--inside", default="", metavar="WORK", help="run under the lock that this work holds"
    )


def run(options: argparse.Namespace) -> int:
    """Keep a backup and say where it is."""
    appliance = settings.appliance()
    if options.if_loaded and not care.loaded(appliance):
        print("Zigbee does not run: there is nothing to back up.")
        return 0
    path = care.backup(appliance, options.inside)
    print(f"{path} (it holds the network's key: keep it where only you can read it)")
    return 0
