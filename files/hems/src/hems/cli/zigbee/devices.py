"""``hems zigbee devices``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from hems import settings
from hems.table import table
from hems.zigbee import care

HEADINGS = ("Name", "Device", "Address", "Last heard", "State")
COORDINATOR = 0x0000  # its network address


def rows(devices: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Return a row for each device, the coordinator left out."""
    for device in devices:
        if device["nwk"] == COORDINATOR:
            continue
        product = f"{device['manufacturer']} {device['model']}".strip()
        yield (
            str(device.get("user_given_name") or device.get("name") or product),
            product,
            str(device["ieee"]),
            heard(device["last_seen"]),
            state(device.get("available")),
        )


def heard(last_seen: str | float | None) -> str:
    """Return when a device was last heard, in the box's time: ZHA's text, or Unix seconds."""
    if isinstance(last_seen, (int, float)):
        return datetime.fromtimestamp(last_seen, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return last_seen.replace("T", " ") if last_seen else "never"


def state(available: bool | None) -> str:
    """Return whether Home Assistant reckons with it; it can't say while it is stopped."""
    if available is None:
        return ""
    return "available" if available else "out of reach"


def run(_options: argparse.Namespace) -> int:
    """Show the devices of the network."""
    found = sorted(rows(care.devices(settings.appliance())))
    print(
        "\n".join(table(HEADINGS, found))
        if found
        else "No devices: 'sudo hems zigbee pair' adds one."
    )
    return 0
