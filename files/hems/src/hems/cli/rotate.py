"""``hems rotate``: renew the box's secrets, for playbooks/rotate_secrets.yml."""

from __future__ import annotations

import argparse
import os

from hems import HemsError, settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("step", choices=["begin", "finish"], help="before and after the playbook")
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", help="what to renew: see docs/inventory.md"
    )
    parser.add_argument(
        "--device", action="append", default=[], help="an MQTT device that is to log in anew"
    )


def run(options: argparse.Namespace) -> int:
    """Renew secrets, or end the old ones. Secrets are not shown."""
    from hems.rotation import run as rotation  # noqa: PLC0415 (imports the WebSocket client)

    if os.geteuid() != 0:
        raise HemsError("Only root may renew secrets: type 'sudo hems rotate …'.")
    appliance = settings.appliance()
    if options.step == "finish":
        ended = rotation.finish(appliance)
        print(f"{ended} old InfluxDB tokens are not valid any more.")
        return 0
    rotation.begin(appliance, options.kinds, options.device, lambda what: print(f"renewed: {what}"))
    return 0
