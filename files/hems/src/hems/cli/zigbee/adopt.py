"""``hems zigbee adopt``: what hems-dongle.service runs."""

from __future__ import annotations

import argparse
import signal
import sys

from hems import settings
from hems.home_assistant import REFUSED, HomeAssistantError
from hems.zigbee.adopt import adopt

TOKEN_REFUSED = 77  # EX_NOPERM; hems-dongle.service does not try again


def _say(words: str) -> None:
    print(words, flush=True)


def run(_options: argparse.Namespace) -> int:
    """Let Home Assistant take the dongle that is plugged in, when it has none yet."""
    # A stop must leave no half-answered questions in Home Assistant.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # 128 + SIGTERM
    try:
        adopt(settings.appliance(), _say)
    except HomeAssistantError as error:
        if error.code not in REFUSED:
            raise
        print(f"hems: {error}", file=sys.stderr)
        return TOKEN_REFUSED
    return 0
