# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Write a file in one step: a reader, also after a power cut, finds the old or the new one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def stage(
    path: Path, content: str | bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> Path:
    """Write the content to the card beside ``path`` and return where; nothing is left on failure.

    ``owner``: user and group id; without it, those of the process.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # makes it 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            if owner is not None:
                os.fchown(stream.fileno(), *owner)
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def put(staged: Path, path: Path) -> None:
    """Put a staged file in its place, and have that on the card too."""
    staged.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def write(
    path: Path, content: str | bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> None:
    """Write a file in one step. Raises OSError."""
    put(stage(path, content, mode=mode, owner=owner), path)
