"""The Zigbee dongle as the watchdog sees it: plugged in or not, and whether it was taken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hems.health.inside import Entry
from hems.settings import Appliance
from hems.zigbee import adopted, dongle
from hems.zigbee.dongle import DongleError, NoDongleError
from hems.zigbee.entry import DOMAIN

DEVICE = re.compile(r"/dev/[^\s'\",;()]+")  # in Home Assistant's reason


@dataclass(frozen=True)
class DongleSeen:
    """The dongle at one moment."""

    expected: bool = True  # the site has Zigbee
    plugged: bool = True  # there is a dongle that Home Assistant can be given
    pulled: str = ""  # the dongle that Home Assistant has, when it is not there
    problem: str = ""  # why Home Assistant was not given the one that is plugged in


def look(appliance: Appliance, entries: Iterable[Entry]) -> DongleSeen:
    """Look at the serial devices; ``entries`` are Home Assistant's."""
    wanted = appliance.zigbee.dongle
    last = adopted.load(appliance.paths.root_run)
    plugged, problem = True, last.problem
    try:
        dongle.choose(dongle.plugged(wanted), wanted)
    except NoDongleError:
        plugged = False
    except DongleError as error:
        problem = str(error)
    return DongleSeen(
        appliance.features.zigbee, plugged, pulled(entries, last.device, Path.exists), problem
    )


def pulled(entries: Iterable[Entry], last: str, exists: Callable[[Path], bool]) -> str:
    """Return the path of Home Assistant's own dongle when it is not there, else nothing.

    The API does not tell an entry's device, but the reason why it can't be opened names it;
    ``last`` is the one that was last known.
    """
    reasons = " ".join(entry.reason for entry in entries if entry.domain == DOMAIN)
    named = DEVICE.search(reasons)
    device = named[0].rstrip(".:") if named else last
    return device if device and not exists(Path(device)) else ""
