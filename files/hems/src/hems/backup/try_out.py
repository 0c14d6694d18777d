"""Try Home Assistant's part of a backup in a throw-away directory, with its own rights.

A program of its own, as collect.py is: ``python try_out.py DIRECTORY ROOT`` reads a tar archive
from its input, unpacks it below DIRECTORY, has SQLite read each database to its end and Home
Assistant, which is installed below ROOT, check the configuration, and removes all of it again. It
prints what is wrong, a line each; nothing means that all is well.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

WORK = ".hems-backup"  # as in collect.py: it is no part of a backup
SECONDS = 900  # Home Assistant's check, on a busy Pi


def try_out(top: Path, root: Path, databases: Sequence[str], given: BinaryIO) -> list[str]:
    """Return what is wrong with an archive. Raises OSError and tarfile.TarError."""
    work = top / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    try:
        with tarfile.open(fileobj=given, mode="r|") as archive:
            archive.extractall(work, filter="tar")
        return [*_databases(work, databases), *_configuration(work, root)]
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _databases(work: Path, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if not (work / name).is_file():
            yield f"{name} is not in it"
            continue
        try:
            with closing(sqlite3.connect(work / name)) as database:
                (answer,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.Error as error:
            answer = str(error)
        if answer != "ok":
            yield f"{name} is damaged ({' '.join(str(answer).split())})"


def _configuration(work: Path, root: Path) -> Iterator[str]:
    """Check with the appliance's own program, which the playbook uses: it installs nothing."""
    words = [str(root / "current/bin/python"), str(root / "check_config.py"), str(work)]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=work
    )
    try:
        [*_, line] = [line for line in done.stdout.splitlines() if line.startswith("{")]
        errors = [str(one) for one in json.loads(line)["errors"]]
    except (ValueError, LookupError, TypeError):
        said = (done.stderr or done.stdout).strip().splitlines()[-1:]
        errors = [" ".join(said) or f"exit code {done.returncode}"]
    for error in errors:
        yield f"Home Assistant does not take the configuration ({error.rstrip('.')})"


def main() -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="hems.backup.try_out")
    parser.add_argument("directory", type=Path)
    parser.add_argument("root", type=Path)
    parser.add_argument("--database", action="append", default=[])
    options = parser.parse_args()
    try:
        wrong = try_out(options.directory, options.root, options.database, sys.stdin.buffer)
    except (OSError, tarfile.TarError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(wrong))
    return 0


if __name__ == "__main__":
    sys.exit(main())
