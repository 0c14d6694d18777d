# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Write a file in one step: a reader, also after a power cut, finds the old or the new one.

The package, the playbook's modules and hems-tls all write with this one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

Content = str | bytes | IO[bytes]


def stage(
    path: Path, content: Content, *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> Path:
    """Write the content to the card beside ``path`` and return where; nothing is left on failure.

    A stream is never in memory as a whole. ``owner``: user and group id; without it, those of the
    process.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # makes it 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            if isinstance(content, (str, bytes)):
                stream.write(content.encode() if isinstance(content, str) else content)
            else:
                shutil.copyfileobj(content, stream)
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
    """Put a staged file in its place, and have that on the card too. Raises OSError."""
    staged.replace(path)
    sync(path.parent)


def sync(directory: Path) -> None:
    """Have the names in a directory on the card. Raises OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write(
    path: Path, content: Content, *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> None:
    """Write a file in one step. Raises OSError.

    A directory that another user may write is no danger: the new file has a name that nobody can
    guess.
    """
    put(stage(path, content, mode=mode, owner=owner), path)


def link(path: Path, target: str | Path) -> None:
    """Have ``path`` be a symbolic link to the target, in one step. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    put(fresh, path)
