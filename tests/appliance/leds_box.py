"""The LEDs of the converged Pi: their mock pins, and the health report that they show."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from typing import Any

from tests.appliance.waiting import until

UNIT = "hems-leds.service"

# Writes a health report as the watchdog does.
REPORT = """
import sys, time
from pathlib import Path
from hems.health import store
from hems.health.catalogue import issue
issues = [issue(code, 'seen by a test') for code in sys.argv[2:]]
path = Path(sys.argv[1]) / store.FILE
store.write(path, issues, time.monotonic(), time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()))
"""

# Looks at a pin for a while and prints how long it was dark (0) and lit (1) in turn, in seconds.
WATCH = """
import json, sys, time
from pathlib import Path
path, end, runs = Path(sys.argv[1]), time.monotonic() + float(sys.argv[2]), []
while (now := time.monotonic()) < end:
    high = int(json.loads(path.read_text())['leds']['error']['high'])
    if not runs or runs[-1][0] != high:
        runs.append([high, now, now])
    runs[-1][2] = now
    time.sleep(0.02)
print(json.dumps([[high, last - first] for high, first, last in runs]))
"""


class Leds:
    """What the pins of the Pi's LEDs say."""

    def __init__(self, pi: Any, site: dict[str, Any]) -> None:
        self.pi = pi
        self.run = site["hems_path_run"]
        self.file = "/run/hems-leds/leds.json"
        self.python = f"{site['hems_path_opt']}/current/bin/python"

    def read(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.pi.check_output("cat %s", self.file))
        return content

    def lit(self, name: str) -> bool:
        return bool(self.read()["leds"][name]["high"])

    def becomes(self, name: str, lit: bool, seconds: float) -> bool:
        return bool(until(lambda: self.lit(name) is lit, seconds))

    def blinks(self, number: Callable[[], int], seconds: float = 15) -> bool:
        """Tell whether the LED comes to blink so often; the number may change meanwhile."""
        return bool(until(lambda: self.read()["blink"] == number(), seconds))

    def report(self, *codes: str) -> None:
        """Have exactly these issues open."""
        command = "runuser -u hems -- %s -I -c %s %s" + " %s" * len(codes)
        self.pi.check_output(command, self.python, REPORT, self.run, *codes)

    def flashes(self, seconds: float) -> list[int]:
        """Count each row of flashes that begins and ends with a pause."""
        seen = json.loads(
            self.pi.check_output("%s -I -c %s %s %s", self.python, WATCH, self.file, str(seconds))
        )
        pauses = [high == 0 and lasted > 1 for high, lasted in seen]
        rows = [
            sum(high for (high, _), _ in group)
            for is_pause, group in groupby(zip(seen, pauses, strict=True), lambda run: run[1])
            if not is_pause
        ]
        return rows[1:-1]

    def main_pid(self) -> str:
        return str(self.pi.check_output("systemctl show %s -p MainPID --value", UNIT))
