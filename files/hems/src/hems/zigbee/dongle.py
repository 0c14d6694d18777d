"""Which dongle the box takes. Pure: it is given the names in ``/dev/serial/by-id``.

Those names stay when a dongle moves to another port, unlike ``/dev/ttyUSB0``. Only dongles with
Silicon Labs' EZSP firmware are known here, as backups are read and written by bellows.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from hems import HemsError

BY_ID = Path("/dev/serial/by-id")

# Product → its names, as udev makes them of the USB descriptors. Seen on real ones, and collected
# in zigbee-herdsman 10.6.0, src/adapter/adapterDiscovery.ts, list "ember".
KNOWN = {
    "Sonoff ZBDongle-E": (
        "usb-ITEAD_SONOFF_Zigbee_3.0_USB_Dongle_Plus_V2_*",  # with a CH9102F
        "usb-Itead_Sonoff_Zigbee_3.0_USB_Dongle_Plus_V2_*",  # with a CP2102N
    ),
    "Home Assistant SkyConnect": ("usb-Nabu_Casa_SkyConnect_v1.0_*",),
    "Home Assistant Connect ZBT-1": ("usb-Nabu_Casa_Home_Assistant_Connect_ZBT-1_*",),
    "Home Assistant Connect ZBT-2": ("usb-Nabu_Casa_ZBT-2_*",),
    "SMLIGHT SLZB-07": ("usb-SMLIGHT_SMLIGHT_SLZB-07_*",),  # not the -07p7, which has no EZSP
}


class NoDongleError(HemsError):
    """No dongle is plugged in."""


class DongleError(HemsError):
    """It can't be told which dongle is meant."""


def product(name: str) -> str | None:
    """Return what a name in ``/dev/serial/by-id`` belongs to, or None."""
    for title, patterns in KNOWN.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return title
    return None


def choose(plugged: Iterable[Path], wanted: str) -> Path:
    """Return the dongle to take of those that are ``plugged``; ``wanted`` is the site's, or empty.

    Raises NoDongleError, and DongleError when several could be meant.
    """
    paths = sorted(plugged)
    if wanted:
        if Path(wanted) in paths:
            return Path(wanted)
        raise NoDongleError(
            f"The Zigbee dongle {wanted} is not plugged in: plug it in, or correct "
            "hems_zigbee_dongle."
        )
    known = [path for path in paths if product(path.name)]
    if not known:
        names = ", ".join(KNOWN)
        raise NoDongleError(
            f"No known Zigbee dongle is plugged in ({names}): plug one in, or name another in "
            "hems_zigbee_dongle."
        )
    if len(known) > 1:
        listed = ", ".join(str(path) for path in known)
        raise DongleError(
            f"Several Zigbee dongles are plugged in ({listed}): "
            "name the right one in the site's hems_zigbee_dongle."
        )
    return known[0]


def plugged(wanted: str, by_id: Path = BY_ID) -> list[Path]:
    """Return the paths of the serial devices that are there; ``wanted`` may be elsewhere."""
    found = list(by_id.iterdir()) if by_id.is_dir() else []
    if wanted and Path(wanted) not in found and Path(wanted).exists():
        found.append(Path(wanted))
    return found
