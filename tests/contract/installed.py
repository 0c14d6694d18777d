"""What tests install for themselves, kept by the hash of its lock file."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.virtual.pi.checkout import CACHE, only_one


def once(name: str, lock: Path, install: Callable[[Path], None]) -> Path:
    """Return the folder that ``install`` filled by this lock file, filling it unless it is there.

    Raises what ``install`` raises; what an interrupted one left is never taken for a whole one.
    """
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    folder = CACHE / f"{name}-{digest[:16]}"
    with only_one(name):
        if not folder.exists():
            made = folder.with_suffix(".new")
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            install(made)
            made.rename(folder)
    return folder
