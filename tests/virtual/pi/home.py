"""The home of `make up`: its Zigbee devices are paired as an owner would, and its load changes."""

from __future__ import annotations

import shlex
import subprocess
import tempfile

from tests.virtual.meter.load import PROFILE
from tests.virtual.pi import inventory, progress, reading
from tests.virtual.pi.checkout import Failure
from tests.virtual.pi.command import last_line
from tests.virtual.pi.machine import Pi
from tests.virtual.zigbee import on_pi
from tests.virtual.zigbee.devices.din_rail import SPM01X
from tests.virtual.zigbee.devices.meter_reader import EMIZB_141

MONITOR = "mains"  # what the second device is called: its entities are sensor.mains_…
SECONDS = 60  # that joining is open: the devices are already searching


def pair(pi: Pi, seconds: int = SECONDS) -> None:
    """Pair what is not paired yet, showing each interview. Raises Failure.

    Only the device in question is in range: whatever searches would join an open network.
    """
    known = reading.entities(pi)
    meter = inventory.value("hems_meter_energy")
    if meter not in known:
        progress.phase("Pair the simulated meter reader")
        on_pi.tell(pi, ["away", SPM01X])
        _pair(pi, seconds, EMIZB_141)
    if not any(entity.startswith(f"sensor.{MONITOR}_") for entity in known):
        progress.phase("Pair the simulated DIN-rail monitor: voltage and current too")
        on_pi.tell(pi, ["back", SPM01X])
        # The whole house is in Energy already.
        _pair(pi, seconds, SPM01X, "--name", MONITOR, "--no-energy")


def _pair(pi: Pi, seconds: int, device: str, *arguments: str) -> None:
    # Its button is held: it searches, also when an interrupted pairing let it in already.
    on_pi.tell(pi, ["press", device])
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as complaints,
        subprocess.Popen(
            pi.ssh(shlex.join(["hems", "zigbee", "pair", f"--seconds={seconds}", *arguments])),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            encoding="utf-8",
            errors="replace",
        ) as pairing,
    ):
        for line in pairing.stdout or ():
            progress.detail(line.strip())
        if pairing.wait():
            complaints.seek(0)
            cause = last_line(complaints.read()).removeprefix("hems: ")
            raise Failure(f"the device was not paired: {cause}")


def draw(pi: Pi, load: str) -> None:
    """Let the house draw `load` from now on: a number of W, or `profile`. Raises Failure."""
    if not pi.reachable():
        raise Failure("no virtual Pi runs: `make up` starts one")
    on_pi.draw(pi, load)
    drawn = "what a household does at this hour" if load == PROFILE else f"{load} W"
    print(f"The house draws {drawn} from now on; the screen shows it in some ten seconds.")
