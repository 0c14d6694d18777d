"""``hems zigbee adopt``: what hems-dongle.service runs."""

from __future__ import annotations

import argparse
import signal
import sys

from hems import settings
from hems.zigbee.adopt import adopt


def _say(words: str) -> None:
    print(words, flush=True)


def run(_options: argparse.Namespace) -> int:
    """Let Home Assistant take the dongle that is plugged in, when it has none yet."""
    # A stop must leave no half-answered questions in Home Assistant.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # 128 + SIGTERM
    adopt(settings.appliance(), _say)
    return 0
