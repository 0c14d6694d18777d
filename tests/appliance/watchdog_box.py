"""The watchdog on the Pi with its time compressed, as the tests handle it."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from tests.appliance.waiting import until  # what the watchdog's tests wait by

UNIT = "hems-watchdog.service"

# What a round takes on the box takes a tenth of it in the tests.
COMPRESSED: dict[str, float | str] = {
    "look": 3,
    "look_again": 1,
    "kill_after": 5,
    "start": 8,
    "start_home_assistant": 25,
    "hold_scale": 0,
}
BOOT_SECONDS = 90


class Watchdog:
    """What the tests ask the watchdog's box."""

    def __init__(self, pi: Any, site: dict[str, Any]) -> None:
        self.pi = pi
        self.settings = f"{site['hems_path_etc']}/watchdog.toml"
        self.slow = f"{site['hems_path_services']}/home_assistant.toml"
        self.health = f"{site['hems_path_run']}/health.json"
        self.memory = f"{site['hems_path_run']}/watchdog.json"
        self.log = f"{site['hems_path_state']}/restart-log.txt"

    def issues(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the open issues by code and subject."""
        report = json.loads(self.pi.file(self.health).content_string)
        return {(entry["code"], entry["subject"]): entry for entry in report["issues"]}

    def codes(self) -> set[str]:
        """Return the open issues' codes."""
        return {code for code, _ in self.issues()}

    def actions(self) -> list[str]:
        """Return the restart log's lines of what was done, less those of what a fault cost."""
        return [line for line in self.lines() if "| gap |" not in line]

    def lines(self) -> list[str]:
        """Return the lines of the restart log."""
        file = self.pi.file(self.log)
        return str(file.content_string).splitlines() if file.exists else []

    def restart(self) -> None:
        """Have it read its settings anew; a test's restarts are no failures of it."""
        self.pi.check_output(f"systemctl reset-failed {UNIT}; systemctl restart {UNIT}")

    def begin(self) -> None:
        """Start it as at a boot, without a memory, and wait until it has looked once.

        What ends before the first look was never well, and costs nothing that it could tell.
        """
        self.pi.check_output(f"systemctl stop {UNIT}; rm -f {self.memory}")
        self.restart()
        assert until(lambda: self.pi.file(self.memory).exists, BOOT_SECONDS)

    def shown(self) -> int:
        """Return how often the LED has to blink: as the most severe issue's area says."""
        report = json.loads(self.pi.file(self.health).content_string)
        return next((int(entry["blink"]) for entry in report["issues"] if entry["blink"]), 0)

    @contextmanager
    def locked(self, path: str) -> Generator[None]:
        """Hold the appliance's lock, as work on the box does."""
        unit = "hems-test-lock.service"
        command = f"flock --close {path} sleep infinity"
        self.pi.check_output(f"systemd-run --quiet --unit={unit} {command}")
        try:
            yield
        finally:
            self.pi.check_output(f"systemctl stop {unit}")

    @contextmanager
    def set(self, **values: float | str) -> Generator[None]:
        """Run it with other settings for a while, and forget what it remembers of this boot."""
        start = values.pop("start_home_assistant", None)  # stands in the service's entry
        edits = "; ".join(f"s/^{key} = [^#]*/{key} = {value} /" for key, value in values.items())
        directory = self.settings.rpartition("/")[0]
        # one may be within another
        kept, slow = (self.pi.check_output(f"mktemp --tmpdir={directory}") for _ in range(2))
        self.pi.check_output(f"cp -a {self.settings} {kept} && sed -i '{edits}' {self.settings}")
        self.pi.check_output(f"cp -a {self.slow} {slow}")
        if start is not None:
            self.pi.check_output(f"sed -i 's/^start = [^#]*/start = {start} /' {self.slow}")
        try:
            self.begin()
            yield
        finally:
            self.pi.check_output(f"mv {kept} {self.settings}; mv {slow} {self.slow}")
            self.begin()


def booted(pi: Any) -> str:
    """When PID 1 started; empty while nobody answers."""
    try:
        ran = pi.run("systemctl show -P UserspaceTimestampMonotonic")
    except RuntimeError:  # testinfra's word for an ssh that can't connect
        return ""
    return str(ran.stdout).strip() if ran.rc == 0 else ""
