"""zigbee-herdsman, a Zigbee host that shares no code with Home Assistant's, as a program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.contract import installed
from tests.virtual.pi.checkout import CACHE, ROOT, VENV, Failure, log_path
from tests.virtual.pi.command import last_line, logged

SOURCE = ROOT / "tests/virtual/zigbee/herdsman"
LOCK = "package-lock.json"
PROGRAM = "prove.mjs"
TIMEOUT_SECONDS = 90.0  # prove.mjs gives up after 60


def packages() -> Path:
    """Return the folder of the packages that the lock names, installed unless it is there.

    npm compares each with the lock's hash; none of their install scripts runs. Raises Failure.
    """
    return installed.once("herdsman", SOURCE / LOCK, _install) / "node_modules"


def _install(folder: Path) -> None:
    for name in ("package.json", LOCK):
        shutil.copy(SOURCE / name, folder)
    command = [str(VENV / "bin/npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    command += [f"--cache={CACHE / 'npm'}", "--no-update-notifier"]
    log = log_path("npm")
    try:
        logged(command, log, doing="", environment=_environment(), directory=folder)
    except Failure as failure:
        raise Failure(
            "zigbee-herdsman could not be installed: see whether this machine reaches the "
            f"npm registry, and what npm says in {log}"
        ) from failure


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
        env=_environment(),
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if ran.returncode:
        raise Failure(f"zigbee-herdsman failed: {last_line(ran.stderr)}")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _environment() -> dict[str, str]:
    # A network with its own certificate authorities: trust what this machine trusts.
    return {**os.environ, "PATH": f"{VENV}/bin:{os.environ['PATH']}", "NODE_USE_SYSTEM_CA": "1"}
