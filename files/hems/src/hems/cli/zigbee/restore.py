"""``hems zigbee restore FILE``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from hems import settings
from hems.zigbee.restore import restore


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a file written by 'hems zigbee backup'"
    )
    parser.add_argument(
        "--dongle", default="", metavar="PATH", help="the dongle to use, if several are plugged in"
    )


def _say(words: str) -> None:
    print(words, flush=True)


def run(options: argparse.Namespace) -> int:
    """Put the backup on the dongle that is plugged in."""
    # Home Assistant must be started again, also when the terminal is gone.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # 128 + SIGTERM
    restore(settings.appliance(), options.file, options.dongle, _say)
    return 0
