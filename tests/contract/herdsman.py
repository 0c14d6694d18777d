"""zigbee-herdsman, a Zigbee host that shares no code with Home Assistant's, as a program."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.contract import npm
from tests.virtual.pi.checkout import ROOT, VENV, Failure
from tests.virtual.pi.command import last_line

SOURCE = ROOT / "tests/virtual/zigbee/herdsman"
PROGRAM = "prove.mjs"
TIMEOUT_SECONDS = 90.0  # prove.mjs gives up after 60


def packages() -> Path:
    """Return the folder of its packages, installed unless it is there. Raises Failure."""
    return npm.packages("herdsman", SOURCE)


def prove(dongle: str, modules: Path, place: Path) -> dict[str, Any]:
    """Let it form a network on a new ``dongle`` (tcp://ADDRESS:PORT), working in ``place``.

    Returns what its devices are and have reported, by model. Raises Failure with what stopped it.
    """
    program = shutil.copy(SOURCE / PROGRAM, place)
    (place / "node_modules").symlink_to(modules)  # where a module looks: beside itself
    ran = subprocess.run(
        [str(VENV / "bin/node"), str(program), dongle],
        capture_output=True,
        encoding="utf-8",
        env=npm.environment(),
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if ran.returncode:
        raise Failure(f"zigbee-herdsman failed: {last_line(ran.stderr)}")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found
