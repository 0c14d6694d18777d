"""Zigbee hosts of today, in an environment of their own: bellows, zigpy-cli, and a flasher."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract import installed
from tests.virtual.pi.checkout import ROOT, VENV, Failure, log_path
from tests.virtual.pi.command import logged

SOURCE = ROOT / "tests/contract/hosts"
LOCK = SOURCE / "requirements.txt"
PROOF = SOURCE / "prove.py"
TIMEOUT_SECONDS = 120.0


def environment() -> Path:
    """Return the folder of their commands, installed by the lock's hashes. Raises Failure."""
    return installed.once("zigbee-hosts", LOCK, _install) / "bin"


def _install(folder: Path) -> None:
    uv, log = str(VENV / "bin/uv"), log_path("zigbee-hosts")
    own = {**os.environ, "UV_SYSTEM_CERTS": "1"}  # trust what this machine trusts
    # It is moved to its place when it is whole, so its programs must not name their own.
    make = [uv, "venv", "--quiet", "--relocatable", "--allow-existing", str(folder)]
    fill = [uv, "pip", "install", "--quiet", "--no-build", "--require-hashes"]
    fill += [f"--python={folder / 'bin/python'}", f"--requirement={LOCK}"]
    try:
        for command in (make, fill):
            logged(command, log, doing="", environment=own)
    except Failure as failure:
        raise Failure(
            "the Zigbee hosts could not be installed: see whether this machine reaches PyPI, and "
            f"what uv says in {log}"
        ) from failure


def run(*command: str) -> str:
    """Run one of their commands and return all that it says. Raises Failure."""
    program, *arguments = command
    ran = subprocess.run(
        [str(environment() / program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env={**os.environ, "NO_COLOR": "1"},
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if ran.returncode:
        raise Failure(f"{program} failed: {ran.stdout}")
    return ran.stdout


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of their commands as long as the context lasts. Raises Failure."""
    program, *arguments = command
    with subprocess.Popen(
        [str(environment() / program), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
