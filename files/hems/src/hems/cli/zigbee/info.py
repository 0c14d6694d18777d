"""``hems zigbee info``."""

from __future__ import annotations

import argparse

from hems import HemsError, settings
from hems.zigbee import backups, care
from hems.zigbee.network_summary import lines


def run(_options: argparse.Namespace) -> int:
    """Show the dongle and its network, without any key."""
    appliance = settings.appliance()
    print("\n".join(lines(care.network(appliance))))
    try:
        kept = backups.kept(appliance.paths.zigbee_backups)
    except OSError as error:
        raise HemsError(f"The Zigbee backups can't be listed: {error}.") from error
    newest = f", the newest {kept[-1]}" if kept else ""
    print(f"Backups     {len(kept)}{newest}")
    return 0
