"""The meter as time goes by: load, counter, and the counter's memory over restarts."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.virtual.meter.load import Load
from tests.virtual.meter.pulses import Meter, Reading, advance, reading, running

STEP_SECONDS = 1.0  # of the meter's time; the load counts as constant for so long


class Simulation:
    """A meter whose time runs ``speed`` times as fast as the clock, from ``start`` seconds on."""

    def __init__(self, load: Load, start: float, speed: float, counter: tuple[int, float]) -> None:
        self._load = load
        self._start = start
        self._speed = speed
        self.meter: Meter = running(*counter, load(start))

    def run_to(self, elapsed: float) -> Reading:
        """Let the meter run until ``elapsed`` seconds of the clock since its start, and read it."""
        left = elapsed * self._speed - self.meter.now / 1_000
        while left > 0:
            step = min(left, STEP_SECONDS)
            watts = self._load(self._start + self.meter.now / 1_000)
            self.meter = advance(self.meter, watts, step * 1_000)
            left -= step
        return reading(self.meter)


def load_counter(path: Path | None) -> tuple[int, float]:
    """Return pulses and W·ms remainder as they were left; a new meter's when there is no file.

    Raises ValueError with one sentence when the file holds something else: a counter that starts
    anew would look like a meter that was exchanged.
    """
    if path is None or not path.exists():
        return 0, 0.0
    try:
        kept = json.loads(path.read_text())
        return int(kept["pulses"]), float(kept["remainder"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"The meter's counter {path} is damaged: remove it, and the meter starts at zero."
        raise ValueError(message) from error


def save_counter(path: Path | None, meter: Meter) -> None:
    """Write the counter in one step."""
    if path is None:
        return
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_text(json.dumps({"pulses": meter.pulses, "remainder": meter.remainder}))
    os.replace(temporary, path)
