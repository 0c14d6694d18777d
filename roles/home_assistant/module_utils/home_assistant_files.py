# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Read and write Home Assistant's files, and say what it would be started with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible.module_utils import started_with, whole_file
from ansible.module_utils.as_user import as_user, read_text
from ansible.module_utils.home_assistant_storage import StorageError

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


def look(venv: Path, paths: Iterable[Path]) -> tuple[str, float]:
    """Return the fingerprint and the newest change (Unix seconds) of what a start would read."""
    named = list(paths)
    changed = started_with.newest_change([str(venv), *map(str, files_of(named))])
    return fingerprint(venv, named), changed


def wanted_entries(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return config entries with their secrets read from the Pi's files. Raises StorageError."""
    found = []
    for entry in entries:
        secrets = {}
        for key, path in entry.get("secrets", {}).items():
            try:
                secrets[key] = Path(path).read_text().removesuffix("\n")
            except FileNotFoundError:
                raise StorageError(
                    f"The secret {path} for {entry['title']} is missing on the Pi: run the whole "
                    "playbook, not this role alone."
                ) from None
        found.append({**entry, "data": {**entry["data"], **secrets}})
    return found


def parse(path: Path, text: str | None) -> dict[str, Any] | None:
    """Return a storage file's document, None for one that is missing.

    Raises StorageError when it is damaged.
    """
    if text is None:
        return None
    try:
        document = json.loads(text)
    except ValueError as error:
        raise StorageError(f"{path} is damaged ({error}): restore it from a backup.") from None
    assert isinstance(document, dict)
    return document


def load(storage: Path, names: Iterable[str], user: str) -> dict[str, dict[str, Any] | None]:
    """Return storage files by their names, as the user reads them."""
    return {name: parse(storage / name, read_text(user, storage / name)) for name in names}


def save(storage: Path, documents: dict[str, dict[str, Any]], user: str) -> None:
    """Write storage files whole, for Home Assistant's user only and with its rights."""

    def write() -> None:
        storage.mkdir(mode=0o700, exist_ok=True)
        for name, document in documents.items():
            whole_file.write(storage / name, json.dumps(document, indent=2))

    as_user(user, write)
