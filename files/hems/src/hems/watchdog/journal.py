"""What was done and why: ``restart-log.txt``, which outlives a reboot."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hems import whole_file

FILE = "restart-log.txt"
VERSIONS = "version.txt"
MAX_BYTES = 256 * 1024  # then the file becomes FILE.1, and the FILE.1 before it is gone
SEPARATOR = " | "
COLUMNS = 5


@dataclass(frozen=True)
class Entry:
    """One line: when (UTC, ISO 8601), what was done to what, why, and what was observed."""

    time: str
    verb: str
    subject: str
    cause: str
    observed: str

    def __str__(self) -> str:
        fields = (self.time, self.verb, self.subject, self.cause, self.observed)
        return SEPARATOR.join(" ".join(text.replace("|", "/").split()) for text in fields)


def parse(lines: Iterable[str]) -> list[Entry]:
    """Return the entries of a log, the oldest first; half a line, from a power cut, is left out."""
    rows = (line.rstrip("\n").split(SEPARATOR) for line in lines)
    return [Entry(*row) for row in rows if len(row) == COLUMNS]


def append(path: Path, line: str) -> None:
    """Add a line and have it on the disk before returning.

    Raises OSError.
    """
    if path.exists() and path.stat().st_size >= MAX_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    with path.open("a+b") as file:
        # A power cut may have left half a line, which must not swallow this one.
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    whole_file.sync(path.parent)


def last_line(path: Path) -> str:
    """Return a log's last line; empty when there is none. Raises OSError."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return lines[-1] if lines else ""


def read(path: Path, count: int) -> list[Entry]:
    """Return the newest ``count`` entries, the oldest first, over the rotation.

    Raises OSError when a file that is there can't be read.
    """
    found: list[Entry] = []
    for file in (path.with_name(f"{path.name}.1"), path):
        if file.exists():
            found += parse(file.read_text(encoding="utf-8", errors="replace").splitlines())
    return found[-count:]
