"""A run of restic that ends in time: what can't succeed, it tries for a quarter of an hour."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from time import monotonic
from typing import IO

from hems.backup import BackupError, core

WATCH_SECONDS = 2.0  # between two looks at a run and its disk


@dataclass
class Run:
    """A run of restic; exit code and stderr are there once it has ended."""

    out: IO[bytes]
    code: int = 0
    said: str = ""


@contextmanager
def run(
    command: Sequence[str], environment: Mapping[str, str], repository: str, seconds: float
) -> Iterator[Run]:
    """Run restic during the block, which reads its output and at whose end it is waited for.

    Raises BackupError where it can't be run, or had to be ended.
    """
    over, problems = threading.Event(), list[str]()
    disk, until = _disk(repository), monotonic() + seconds
    with TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                env=environment,
                cwd="/",
            )
        except OSError as error:
            raise BackupError(f"restic can't be run ({error}): run the playbook.") from error

        def watch() -> None:
            while not (over.wait(WATCH_SECONDS) or problems):
                if disk is not None and _disk(repository) != disk:
                    problems.append(core.explain(1, "no such device", repository))
                elif core.is_hopeless(_text(said), repository):
                    problems.append(core.explain(1, _text(said), repository))
                elif monotonic() > until:
                    problems.append(core.late(seconds, _text(said), repository))
                if problems:
                    process.kill()

        watcher = threading.Thread(target=watch)
        watcher.start()
        assert process.stdout is not None
        running = Run(process.stdout)
        try:
            with process:
                yield running
        finally:
            over.set()
            watcher.join()
            if problems:
                raise BackupError(problems[0])
        running.code, running.said = process.returncode, _text(said)


def _disk(repository: str) -> int | None:
    """Return which disk a directory is on; None for another machine, and where it is not there."""
    try:
        return os.stat(repository).st_dev if core.is_directory(repository) else None
    except OSError:
        return None


def _text(said: IO[bytes]) -> str:
    size = os.fstat(said.fileno()).st_size
    return os.pread(said.fileno(), size, 0).decode("utf-8", "replace")
