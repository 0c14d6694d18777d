"""``leds.json``: what the LEDs show, for tests and for whoever can't see the box.

With real pins, ``leds.error`` is a moment of the blinking while ``blink`` is not 0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

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
    fresh = path.with_name(f".{path.name}.new")
    # No fsync: the file is of this boot, on a file system in memory.
    fresh.write_text(json.dumps(content) + "\n", encoding="utf-8")
    os.chmod(fresh, 0o644)
    fresh.replace(path)
