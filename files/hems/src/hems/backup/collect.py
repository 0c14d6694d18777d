"""Read one part of a backup with the rights of the service that owns it.

A program of its own, so that root can run it as that user: ``python collect.py DIRECTORY`` writes
a tar archive to its output, with ``--size`` the number of bytes that it reads. SQLite databases are
copied by SQLite's online backup: Home Assistant goes on writing meanwhile.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

WORK = ".hems-backup"  # in the service's own directory; a power cut leaves it, the next run clears
OURS = (WORK, ".hems-before-restore")  # put_back.py's
BESIDE = ("-wal", "-shm", "-journal")
BUSY_SECONDS = 60


def files(top: Path, excluded: Sequence[str], below: Path | None = None) -> Iterator[Path]:
    """Yield what is below ``top``, directories before what is in them; links are not followed.

    ``excluded`` are patterns of a name, or of a path from ``top``.
    """
    try:
        entries = sorted(os.scandir(below or top), key=lambda one: one.name)
    except FileNotFoundError:
        return  # gone since it was listed
    for entry in entries:
        path = Path(entry.path)
        name = str(path.relative_to(top))
        if name in OURS or any(fnmatch(one, out) for out in excluded for one in (name, path.name)):
            continue
        yield path
        if entry.is_dir(follow_symlinks=False):
            yield from files(top, excluded, path)


def size(top: Path, databases: Sequence[str], excluded: Sequence[str]) -> int:
    """Return how many bytes the archive takes at most, and the copies beside it."""
    found = sum(path.lstat().st_size for path in files(top, excluded) if path.exists())
    return found + sum(path.stat().st_size for name in databases if (path := top / name).is_file())


def archive(top: Path, databases: Sequence[str], excluded: Sequence[str], out: BinaryIO) -> None:
    """Write the archive. Raises OSError and sqlite3.Error."""
    live = [*databases, *(f"{name}{end}" for name in databases for end in BESIDE)]
    with tarfile.open(fileobj=out, mode="w|") as tar:
        for path in files(top, [*excluded, *live]):
            try:
                tar.add(path, path.relative_to(top), recursive=False)
            except FileNotFoundError:
                continue  # gone since it was listed
        for name in databases:
            if (top / name).is_file():
                _database(top, name, tar)


def _database(top: Path, name: str, tar: tarfile.TarFile) -> None:
    work = top / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    try:
        copy = work / Path(name).name
        with (
            closing(
                sqlite3.connect(f"file:{top / name}?mode=ro", uri=True, timeout=BUSY_SECONDS)
            ) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            # What is half written after a power cut is thrown away with its directory.
            target.execute("PRAGMA synchronous=OFF")
            source.backup(target)
        shutil.copystat(top / name, copy)
        tar.add(copy, name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main() -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="hems.backup.collect")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--database", action="append", default=[])
    parser.add_argument("--exclude", action="append", default=[])
    parser.add_argument("--size", action="store_true")
    options = parser.parse_args()
    if options.size:
        print(size(options.directory, options.database, options.exclude))
        return 0
    try:
        archive(options.directory, options.database, options.exclude, sys.stdout.buffer)
    except (OSError, sqlite3.Error, tarfile.TarError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
