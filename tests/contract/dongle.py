"""The simulated dongle as a program of its own, with new devices near it, for hosts to take."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.virtual.pi.checkout import ROOT
from tests.virtual.zigbee.__main__ import SOCKET
from tests.virtual.zigbee.control import ask

WATTS = 72_000  # 20 pulses a second
AT = "The dongle is at socket://"
START_SECONDS = 60.0
LOG = "log"


@dataclass(frozen=True)
class Dongle:
    """One that runs: its address (HOST:PORT), and the folder of its state."""

    address: str
    state: Path

    @property
    def control(self) -> Path:
        """Where it takes commands (tests.virtual.zigbee.control)."""
        return self.state / SOCKET

    def status(self) -> dict[str, Any]:
        """Return what is so now (tests.virtual.zigbee.control)."""
        found: dict[str, Any] = json.loads(ask(self.control, ["status"]))
        return found

    def unknown(self) -> list[str]:
        """Return what it said of commands that it does not know."""
        said = (self.state / LOG).read_text(encoding="utf-8").splitlines()
        return [line for line in said if "unknown" in line]


@contextmanager
def new(state: Path) -> Iterator[Dongle]:
    """Run a new one as long as the context lasts."""
    command = [sys.executable, "-m", "tests.virtual.zigbee", "--state", str(state)]
    command += ["--tcp", "127.0.0.1:0", "--watts", str(WATTS)]
    log = state / LOG
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out) as simulator,
    ):
        try:
            yield Dongle(_address(log), state)
        finally:
            simulator.terminate()


def _address(log: Path) -> str:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        for line in log.read_text(encoding="utf-8").splitlines():
            if line.startswith(AT):
                return line.removeprefix(AT).removesuffix(".")
        time.sleep(0.1)
    raise AssertionError(f"the simulated dongle did not start: {log.read_text(encoding='utf-8')}")
