# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Read and write Home Assistant's files, and tell whether it was started with those of now."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible.module_utils import whole_file
from ansible.module_utils.home_assistant_storage import StorageError

FINGERPRINT = "HEMS_FINGERPRINT"
READ_AT_START = (".yaml", ".py", ".json")


def files_of(paths: Iterable[Path]) -> list[Path]:
    """Return the files named, and of the directories named those that are read at a start."""
    found: list[Path] = []
    for path in paths:
        inside = (file for file in path.rglob("*") if file.suffix in READ_AT_START)
        found += sorted(inside) if path.is_dir() else [path]
    return [path for path in found if path.is_file()]


def fingerprint(venv: Path, paths: Iterable[Path]) -> str:
    """Return what Home Assistant would be started with, as one hash."""
    total = hashlib.sha256(str(venv.resolve()).encode())
    for path in files_of(paths):
        total.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def variable(environment: bytes, name: str) -> str | None:
    """Return one variable of ``/proc/<pid>/environ``."""
    for item in environment.split(b"\0"):
        key, _, value = item.partition(b"=")
        if key == name.encode():
            return value.decode()
    return None


def load(path: Path) -> dict[str, Any] | None:
    """Return a storage file, None when it is missing; raise StorageError when it is damaged."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise StorageError(f"{path} is damaged ({error}): restore it from a backup.") from None
    assert isinstance(document, dict)
    return document


def save(path: Path, document: dict[str, Any], user: str) -> None:
    """Write a storage file whole, for Home Assistant's user only."""
    owner = pwd.getpwnam(user)
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700)
        os.chown(path.parent, owner.pw_uid, owner.pw_gid)
    text = json.dumps(document, indent=2)
    whole_file.write(path, text, owner=(owner.pw_uid, owner.pw_gid))
