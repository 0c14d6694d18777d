"""Is a reading of the meter in InfluxDB? Asked on the Pi, so the token never leaves it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from tests.virtual.pi import inventory
from tests.virtual.pi.checkout import Failure, log_path
from tests.virtual.pi.machine import Pi

QUESTION = Path(__file__).parent / "ask_influxdb.py"
FRESH = 60.0  # seconds: an older point is from before this `make up`
TIMEOUT = 120.0  # seconds: Home Assistant's discovery and first write take about ten


@dataclass(frozen=True)
class Reading:
    """The last power reading, and what the database that holds it says of itself."""

    watts: float
    time: str
    age: float
    server: str


def last(pi: Pi) -> Reading | None:
    """The newest power reading in InfluxDB, if there is one."""
    entity = inventory.value("hems_meter_power").removeprefix("sensor.")
    token = f"{inventory.value('hems_path_secrets')}/influxdb_token_hems"
    arguments = (str(inventory.port("influxdb")), token, entity)
    script = QUESTION.read_text(encoding="utf-8")
    answer = pi.run("python3", "-", *arguments, doing="ask InfluxDB for a reading", text=script)
    values = json.loads(answer)
    return Reading(**values) if values else None


def wait(pi: Pi) -> Reading:
    """Wait until a fresh reading is in InfluxDB; Failure naming where to look when none comes."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        reading = last(pi)
        if reading and reading.age < FRESH:
            return reading
        if time.monotonic() > deadline:
            raise Failure(
                f"no reading of the meter came into InfluxDB within {TIMEOUT:.0f} s: see "
                f"{log_path('meter')} and `make shell CMD='journalctl -u home-assistant'`"
            )
        time.sleep(1)
