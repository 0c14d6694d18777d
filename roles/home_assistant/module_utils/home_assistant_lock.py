# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Lock files, stamps and directories of Home Assistant's venvs (no network, nothing run)."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

STAMP = ".complete"


def normalized(requirement: str) -> str:
    """Return a requirement's package name as the index writes it (PEP 503)."""
    return re.sub(
        r"[-_.]+", "-", re.split(r"[=<>!~;\[\s]", requirement.strip(), maxsplit=1)[0]
    ).lower()


def locked(lock: str) -> dict[str, str]:
    """Return package name -> its entry (with hashes) of a requirements file."""
    entries: dict[str, str] = {}
    for entry in re.split(r"(?<!\\)\n", lock):
        if entry and not entry.startswith("#"):
            entries[normalized(entry)] = entry + "\n"
    return entries


def extra_problem(extras: list[str], lock: str) -> str | None:
    """Return what is wrong with a site's extra requirements, in one sentence."""
    names = locked(lock)
    for extra in extras:
        if not re.fullmatch(
            r"[A-Za-z0-9._\[\]-]+==[^\s=<>!~;]+(\s+--hash=sha256:[0-9a-f]{64})*", extra
        ):
            return f"home_assistant_extra_requirements: write {extra!r} as name==version."
        if normalized(extra) in names:
            return (
                f"home_assistant_extra_requirements: {extra!r} is already in the lock as "
                f"{names[normalized(extra)].split()[0]}; remove it."
            )
    return None


def stamp_key(lock: str, extras: list[str], python: str) -> str:
    """Return what a complete venv was made from."""
    return hashlib.sha256("\0".join([lock, *extras, python]).encode()).hexdigest()


def stamp_of(venv: Path) -> str | None:
    """Return a complete venv's stamp."""
    stamp = venv / STAMP
    return stamp.read_text(errors="replace").strip() if stamp.is_file() else None


def choose(root: Path, version: str, key: str) -> tuple[Path, bool]:
    """Return the venv for this key and whether it is complete.

    Named by the version alone, unless a complete one of that version was made from another lock.
    """
    plain, named = root / version, root / f"{version}-{key[:8]}"
    for venv in (plain, named):
        if stamp_of(venv) == key:
            return venv, True
    return (plain if stamp_of(plain) is None else named), False


def outdated(root: Path, keep: set[Path]) -> list[Path]:
    """Return the venvs, complete or not, that neither is current nor was before."""
    return sorted(
        path
        for path in root.iterdir()
        if path.is_dir() and not path.is_symlink() and (path / "bin").is_dir() and path not in keep
    )


def writable_locks(*directories: Path) -> list[Path]:
    """Return the lock files of uv's that others than root may write.

    uv makes them so on purpose: users may share its directories, here they don't.
    """
    found = [path for directory in directories for path in directory.glob("*/.lock")]
    return [path for path in found if path.stat().st_mode & 0o022]
