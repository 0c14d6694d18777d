"""What the command lines of all simulators on a simulated meter share."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.virtual.meter.load import PROFILE


def tell(line: str) -> None:
    """Print a line at once: whoever waits for it reads a pipe, a file or the journal."""
    print(line, flush=True)


def stop_on_signals() -> threading.Event:
    """Return what SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def add_meter(top: argparse.ArgumentParser, number: str, modes: Sequence[str], mode: str) -> None:
    """Add the group of a meter with that number, in that mode, where nothing else is said."""
    meter = top.add_argument_group("meter")
    meter.add_argument("--meter", default=number, help="its number, 12 digits")
    meter.add_argument("--mode", choices=modes, default=mode)
    meter.add_argument("--watts", default=PROFILE, help=f"constant power in W, or '{PROFILE}'")
    meter.add_argument("--load-file", type=Path, help="where such a word may be written meanwhile")
    meter.add_argument("--seed", type=int, default=1, help="another number is another household")
    meter.add_argument("--state-file", type=Path, help="keeps the counter over restarts")
