"""``/etc/hems/watchdog.toml``: how patient the watchdog is, and what it looks at."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec

from hems.health.health_settings import Health, Seconds
from hems.settings import Table, check

FILE = "watchdog.toml"

Count = Annotated[int, msgspec.Meta(ge=1)]


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


class Watchdog(Table, frozen=True):
    """``watchdog.toml``."""

    dry_run: bool  # only say what would be done
    services: Services
    internet: Internet
    release: Release
    health: Health


if __name__ == "__main__":
    sys.exit(check(Watchdog))
