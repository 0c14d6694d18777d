"""``/etc/hems/history.toml``: what Home Assistant writes, and how fast gaps are filled."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec

from hems.settings import Table, Text, check

FILE = "history.toml"


class History(Table, frozen=True):
    """``history.toml``."""

    user: Text  # who does the work, also for the command
    state: Path  # the ledger's directory
    moved: Path  # which dates hems-clock has set right in InfluxDB
    domains: tuple[Text, ...]  # that Home Assistant's InfluxDB writer includes …
    excluded: tuple[Text, ...]  # … without these entities
    batch: Annotated[int, msgspec.Meta(ge=1, le=10_000)]  # points
    rate: Annotated[int, msgspec.Meta(ge=1)]  # points a second
    settle: Annotated[int, msgspec.Meta(ge=0)]  # seconds; what is younger is not looked at yet
    rollups: bool  # InfluxDB makes hours and days of the readings …
    flux: Path  # … by what stands in this directory
    zone: Text  # whose days they are
    raw_days: Annotated[int, msgspec.Meta(ge=1)]  # for how long it keeps the readings themselves
    seconds: Annotated[float, msgspec.Meta(gt=0)]  # that one run may take; the next one goes on


if __name__ == "__main__":
    sys.exit(check(History))
