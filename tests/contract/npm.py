"""Packages of the npm registry that tests use, installed by a lock file with hashes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.contract import installed
from tests.virtual.pi.checkout import CACHE, VENV, Failure, log_path
from tests.virtual.pi.command import logged

LOCK = "package-lock.json"


def packages(name: str, source: Path) -> Path:
    """Return the folder of the packages that the lock in ``source`` names, installed unless there.

    npm compares each with the lock's hash; none of their install scripts runs. Raises Failure.
    """

    def install(folder: Path) -> None:
        for file in ("package.json", LOCK):
            shutil.copy(source / file, folder)
        command = [str(VENV / "bin/npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        command += [f"--cache={CACHE / 'npm'}", "--no-update-notifier"]
        log = log_path("npm")
        try:
            logged(command, log, doing="", environment=environment(), directory=folder)
        except Failure as failure:
            raise Failure(
                f"{name} could not be installed: see whether this machine reaches the npm "
                f"registry, and what npm says in {log}"
            ) from failure

    return installed.once(name, source / LOCK, install) / "node_modules"


def environment() -> dict[str, str]:
    """Return the environment in which node and npm of .venv run."""
    # A network with its own certificate authorities: trust what this machine trusts.
    return {**os.environ, "PATH": f"{VENV}/bin:{os.environ['PATH']}", "NODE_USE_SYSTEM_CA": "1"}
