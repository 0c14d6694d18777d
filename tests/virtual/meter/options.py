"""The arguments of every simulator that stands on a simulated meter."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tests.virtual.meter.load import PROFILE


def add_meter(top: argparse.ArgumentParser, number: str, modes: Sequence[str], mode: str) -> None:
    """Add the group of a meter with that number, in that mode, where nothing else is said."""
    meter = top.add_argument_group("meter")
    meter.add_argument("--meter", default=number, help="its number, 12 digits")
    meter.add_argument("--mode", choices=modes, default=mode)
    meter.add_argument("--watts", default=PROFILE, help=f"constant power in W, or '{PROFILE}'")
    meter.add_argument("--load-file", type=Path, help="where such a word may be written meanwhile")
    meter.add_argument("--seed", type=int, default=1, help="another number is another household")
    meter.add_argument("--state-file", type=Path, help="keeps the counter over restarts")
