"""``/etc/hems/watchdog.toml``: how patient the watchdog is, and what it looks at."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec

from hems.settings import Port, Table, Text, check

FILE = "watchdog.toml"

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(gt=0, le=100)]


class Services(Table, frozen=True):
    """``[services]``: when a service is restarted. Times in seconds."""

    look: Seconds  # between two rounds
    look_again: Seconds  # after a miss
    misses: Count  # in a row, until the unit is restarted
    budget: Count  # restarts of one unit …
    budget_time: Seconds  # … within this time
    kill_after: Seconds  # a stop that takes longer than this is cut short
    start: (
        Seconds  # one that came up this short a time ago is still starting; an entry may say more
    )
    lock_patience: Seconds  # work under the lock that takes longer no longer protects a dead unit


class Internet(Table, frozen=True):
    """``[internet]``: the ladder. Seconds without Internet, one after the other."""

    activate: Seconds  # until the connection is brought up again
    restart: Seconds  # until NetworkManager is restarted
    reboot: tuple[Seconds, ...]  # until the first reboot, the second …; the last one for all others
    clear: Seconds  # with Internet, until the ladder starts from its foot again
    hotspot: Seconds  # a hotspot is stopped after this


class Release(Table, frozen=True):
    """``[release]``: the guard that sees to it that what is installed is what runs."""

    home_assistant: Path  # the link to the installed version
    grace: Seconds


class Health(Table, frozen=True):
    """``[health]``: from when on something is an issue."""

    meter: Text  # the entity that must be reported …
    meter_silence: Seconds  # … within this time
    open_ports: tuple[Port, ...]  # that the house's network may reach beside the box's own
    disk_warning: Share  # per cent
    disk_critical: Share  # per cent
    temperature: Annotated[float, msgspec.Meta(gt=0)]  # degrees Celsius
    memory: Share  # per cent that must be available
    certificate_days: Count
    hold_scale: Annotated[float, msgspec.Meta(ge=0)]  # 1; less compresses the catalogue's holds


class Watchdog(Table, frozen=True):
    """``watchdog.toml``."""

    dry_run: bool  # only say what would be done
    services: Services
    internet: Internet
    release: Release
    health: Health


if __name__ == "__main__":
    sys.exit(check(Watchdog))
