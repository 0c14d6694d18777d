"""``leds.json``: what the LEDs show, for tests and for whoever can't see the box.

With real pins, ``leds.error`` is a moment of the blinking while ``blink`` is not 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from hems import whole_file
from hems.leds.pins import Level

FILE = "leds.json"
FORMAT = 1


def write(
    path: Path, levels: Mapping[str, Level], *, pins: str, blink: int, running: bool, now: float
) -> None:
    """Replace the file in one step; ``now`` is monotonic seconds.

    Raises OSError.
    """
    content = {
        "format": FORMAT,
        "running": running,
        "pins": pins,
        "monotonic": round(now, 3),
        "blink": blink,
        "leds": {name: asdict(level) for name, level in levels.items()},
    }
    whole_file.write(path, json.dumps(content) + "\n", mode=0o644)
