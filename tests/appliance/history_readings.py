"""Runs on the Pi: readings flow into Home Assistant until it is told to stop.

    python3 - <port> <token file> <seconds between two> <what their names begin with>

Three sensors: a power that changes each time, a text with attributes, and a meter's counter that
goes on while Home Assistant is away, and from one start of this to the next, as a real one does.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

PORT, TOKEN, PAUSE = sys.argv[1], Path(sys.argv[2]).read_text().strip(), float(sys.argv[3])
NAME = sys.argv[4]
URL = f"http://127.0.0.1:{PORT}/api/states/"
BEGUN = 1_795_000_000  # s since 1970


def say(entity: str, state: str, attributes: dict[str, object]) -> None:
    """Set a state; Home Assistant may be away."""
    request = urllib.request.Request(
        URL + entity,
        json.dumps({"state": state, "attributes": attributes}).encode(),
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(request, timeout=5):
        pass


count = 0
while True:
    count += 1
    power: dict[str, object] = {
        "unit_of_measurement": "W",
        "device_class": "power",
        "state_class": "measurement",
    }
    say(f"sensor.{NAME}_power", str(count % 997 + 0.5), power)
    mode = {"friendly_name": 'Mode, "text"', "options": ["a", "b"], "round": count}
    say(f"sensor.{NAME}_mode", f"mode {count % 7}", mode)
    energy = {"unit_of_measurement": "kWh", "device_class": "energy"}
    total = f"{1000 + (time.time() - BEGUN) / 100:.3f}"
    say(f"sensor.{NAME}_energy", total, {**energy, "state_class": "total_increasing"})
    time.sleep(PAUSE)
