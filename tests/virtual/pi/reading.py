"""What the house on the Pi knows: asked on the Pi, so the tokens never leave it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.virtual.pi import inventory
from tests.virtual.pi.checkout import Failure
from tests.virtual.pi.machine import Pi

COMMAND = "tests/virtual/pi/run.sh"
QUESTION = Path(__file__).parent / "ask_home.py"
POWER = "sensor.hems_power"  # what the appliance derives from the site's meter
TIMEOUT = 120.0  # seconds; a reader reports its first reading some seconds after it was paired
STARTING = 180.0  # seconds that Home Assistant may take on a Pi that has just been started


@dataclass(frozen=True)
class Reading:
    """The house's present power, and what the database that holds it says of itself."""

    watts: float
    time: str
    server: str
    commit: str  # what the server was built from


@dataclass(frozen=True)
class Known:
    """Home Assistant's entities, None while it starts; the reading, None until InfluxDB has it."""

    entities: frozenset[str] | None
    reading: Reading | None


def look(pi: Pi) -> Known:
    """Ask once. Raises Failure."""
    arguments = (
        *(str(inventory.port("home_assistant")), str(inventory.port("influxdb"))),
        *(inventory.value("hems_path_secrets"), POWER),
    )
    script = QUESTION.read_text(encoding="utf-8")
    answer = pi.run("python3", "-", *arguments, doing="ask the Pi for a reading", text=script)
    told = json.loads(answer)
    entities = None if told["entities"] is None else frozenset(told["entities"])
    return Known(entities, Reading(**told["reading"]) if told["reading"] else None)


def entities(pi: Pi, seconds: float = STARTING) -> frozenset[str]:
    """Return the entities that Home Assistant has, as soon as it runs. Raises Failure."""
    for known in _looks(pi, seconds):
        if known.entities is not None:
            return known.entities
    raise Failure(
        f"Home Assistant on '{pi.name}' did not start within {seconds:.0f} s: "
        f"see `{COMMAND} shell {pi.name} journalctl -u home-assistant`"
    )


def wait(pi: Pi, seconds: float = TIMEOUT) -> Reading:
    """Return the meter's reading as soon as it is in InfluxDB. Raises Failure."""
    for known in _looks(pi, seconds):
        if known.reading is not None:
            return known.reading
    raise Failure(
        f"no reading of the meter came into InfluxDB within {seconds:.0f} s: "
        "see `make shell CMD='hems status'`"
    )


def _looks(pi: Pi, seconds: float) -> Iterator[Known]:
    """Look once a second."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield look(pi)
        time.sleep(1)
