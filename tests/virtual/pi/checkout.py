"""Where this checkout keeps what it makes, and the error a person sees."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STATE = ROOT / ".cache" / "virtual"  # keys, ssh configuration, logs: goes with `make clean`
CACHE = Path(os.environ.get("HEMS_CACHE") or Path.home() / ".cache" / "hems")  # shared by checkouts
VENV = ROOT / ".venv"
INVENTORY = ROOT / "inventory" / "virtual"
IDENTITY = hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]
"""Tells this checkout's containers and networks from another checkout's on the same machine."""


class Failure(Exception):
    """What stopped a command, in one sentence that names the cause and the cure."""


def log_path(name: str) -> Path:
    """A log file's path, its directory made."""
    directory = STATE / "logs"
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{name}.log"


@contextmanager
def only_one(what: str) -> Iterator[None]:
    """Hold this machine's lock on `what` (a file name), waiting for another command that has it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{what}.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
