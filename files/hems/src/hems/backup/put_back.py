"""Put one part of a backup into its directory, with the rights of the service that owns it.

A program of its own, as collect.py is: ``python put_back.py DIRECTORY`` reads a tar archive from
its input. What was there is moved aside within the directory, so that nothing is lost by it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tarfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

BEFORE = ".hems-before-restore"  # as in collect.py, which is a program by itself too
UNFINISHED = ".unfinished"  # in it, until all is back


def put_back(top: Path, excluded: Sequence[str], given: BinaryIO | None) -> None:
    """Replace what is below ``top`` by an archive, or by nothing; what is excluded stays.

    Raises OSError and tarfile.TarError.
    """
    before = top / BEFORE
    unfinished = before / UNFINISHED
    if not unfinished.exists():  # else an interrupted restore: what it moved aside is the original
        shutil.rmtree(before, ignore_errors=True)
        before.mkdir(mode=0o700)
        unfinished.touch()
    for path in list(top.iterdir()):
        if path.name == BEFORE or any(fnmatch(path.name, one) for one in excluded):
            continue
        if not os.path.lexists(before / path.name):
            shutil.move(path, before / path.name)
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if given is not None:
        with tarfile.open(fileobj=given, mode="r|") as archive:
            archive.extractall(top, filter="tar")
    os.sync()
    unfinished.unlink()


def main() -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="hems.backup.put_back")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--exclude", action="append", default=[])
    parser.add_argument("--empty", action="store_true", help="read nothing, leave nothing")
    options = parser.parse_args()
    given = None if options.empty else sys.stdin.buffer
    try:
        put_back(options.directory, options.exclude, given)
    except (OSError, tarfile.TarError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
