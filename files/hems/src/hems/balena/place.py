"""Put the old Home Assistant's files into the box's, with the rights of Home Assistant's user.

A program of its own: ``python -m hems.balena.place stage DIRECTORY SOURCE`` reads a tar archive
from its input into a place of its own below DIRECTORY and looks at the databases in it, while Home
Assistant runs; ``… apply DIRECTORY`` swaps the files while it is stopped. Each prints a line of
JSON. What was there before is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import sys
import tarfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from hems import whole_file
from hems.balena import accounts
from hems.balena.accounts import Document
from hems.balena.old import AUTH, DATABASES, ENTRIES, PASSWORDS, RECORDER, STORAGE, ZIGBEE

STAGED, PART, BEFORE = ".hems-import", ".hems-import.part", ".hems-before-import"
SOURCE, MERGED = ".hems-source", ".hems-merged"  # of which system; its accounts are ours too
LOG = "-wal"
BESIDE = (LOG, "-shm", "-journal")
# The box's own in .storage: how it listens, who has set it up, and what its own integration knows.
BOX_OWN = ("http", "onboarding", "hems.*")
DIRECTORY_MODE, FILE_MODE, PRIVATE_DIRECTORY, PRIVATE_FILE = 0o750, 0o640, 0o700, 0o600


def stage(top: Path, source: str, given: IO[bytes]) -> dict[str, Any]:
    """Unpack an archive beside the box's files and return what its databases have.

    One that is there already, from the same source, stays: an import was broken off.
    """
    staged, part = top / STAGED, top / PART
    if not (staged / SOURCE).is_file() or (staged / SOURCE).read_text() != source:
        for old in (staged, part):
            shutil.rmtree(old, ignore_errors=True)
        part.mkdir(mode=PRIVATE_DIRECTORY)
        with tarfile.open(fileobj=given, mode="r|") as archive:
            archive.extractall(part, filter="data")
        _set_modes(part)
        (part / SOURCE).write_text(source)
        for name in DATABASES:
            if problem := _problem(part / name):
                shutil.rmtree(part)
                return {"problem": f"{name} is damaged ({problem})"}
        os.sync()
        part.rename(staged)
    return {"states": _states(_where(top, RECORDER)), "network": _network(_where(top, ZIGBEE))}


def apply(top: Path, dongle: str, unable: Sequence[str] = ()) -> dict[str, Any]:
    """Put what is staged in place; what was there goes to ``.hems-before-import``."""
    staged, before = top / STAGED, top / BEFORE
    if not (staged / MERGED).exists():
        if (staged / STORAGE).is_dir():
            _merge(top / STORAGE, staged / STORAGE, dongle, unable)
        (staged / MERGED).touch()
        os.sync()
    before.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    for path in sorted(staged.iterdir()):
        if path.name in (SOURCE, MERGED):
            continue
        beside = [f"{path.name}{end}" for end in BESIDE] if path.name in DATABASES else []
        for name in (path.name, *beside):
            if os.path.lexists(top / name):
                shutil.move(top / name, _free(before, name))
        path.rename(top / path.name)
    os.sync()
    shutil.rmtree(staged)
    return {"kept": str(before)}


def _merge(box: Path, old: Path, dongle: str, unable: Sequence[str]) -> None:
    """Make the old system's storage one that the box can go on with."""
    merged = {
        AUTH: accounts.merge_users(_load(old / AUTH), _load(box / AUTH)),
        PASSWORDS: accounts.merge_passwords(_load(old / PASSWORDS), _load(box / PASSWORDS)),
        ENTRIES: accounts.merge_entries(_load(old / ENTRIES), _load(box / ENTRIES), dongle, unable),
    }
    for name, document in merged.items():
        whole_file.write(old / name, json.dumps(document, indent=2), mode=PRIVATE_FILE)
    for pattern in BOX_OWN:
        for path in old.glob(pattern):
            path.unlink()
        for path in box.glob(pattern):
            shutil.copy2(path, old / path.name)


def _load(path: Path) -> Document:
    return dict(json.loads(path.read_bytes())) if path.is_file() else {}


def _where(top: Path, name: str) -> Path:
    staged = top / STAGED / name
    return staged if staged.exists() else top / name


def _problem(path: Path) -> str:
    """Take a database's log over into it, and return what is wrong with it."""
    if not path.exists():
        return ""
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            (answer,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    for end in BESIDE:
        path.with_name(path.name + end).unlink(missing_ok=True)
    return "" if answer == "ok" else " ".join(str(answer).split())


def _states(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT count(*) FROM states").fetchone()[0])


def _network(path: Path) -> Document | None:
    """Return the newest backup that ZHA keeps of the dongle's network, None where it has none."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as database:
        tables = [
            str(name)
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE name LIKE 'network_backups_v%'"
            )
        ]
        for table in sorted(tables, key=lambda one: int(one.rpartition("v")[2]), reverse=True):
            row = database.execute(f'SELECT backup_json FROM "{table}" ORDER BY id DESC').fetchone()
            if row:
                return dict(json.loads(row[0]))
    return None


def _set_modes(top: Path) -> None:
    private = top / STORAGE
    for path in top.rglob("*"):
        secret = path == private or private in path.parents
        if path.is_dir():
            path.chmod(PRIVATE_DIRECTORY if secret else DIRECTORY_MODE)
        else:
            path.chmod(PRIVATE_FILE if secret else FILE_MODE)


def _free(directory: Path, name: str) -> Path:
    """Return a path that is not taken yet: nothing that is kept is ever replaced."""
    path, number = directory / name, 1
    while os.path.lexists(path):
        path, number = directory / f"{name}.{number}", number + 1
    return path


def main() -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="hems.balena.place")
    parser.add_argument("work", choices=("stage", "apply"))
    parser.add_argument("directory", type=Path)
    parser.add_argument("word", help="stage: the source's id; apply: the dongle's path, or nothing")
    parser.add_argument("--unable", action="append", default=[], help="integrations to switch off")
    options = parser.parse_args()
    try:
        if options.work == "stage":
            found = stage(options.directory, options.word, sys.stdin.buffer)
        else:
            found = apply(options.directory, options.word, options.unable)
    except (OSError, ValueError, LookupError, tarfile.TarError, sqlite3.Error) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
