"""Notes about files that were set aside: left by a service's user, read by the watchdog.

``<paths.notes>/<part>/set-aside.json``, in a directory of the part's own, holds the newest of them.
Who reads one trusts it no further than a stranger: texts are cut to a length and to printable
characters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hems import whole_file

FILE = "set-aside.json"
KEPT = 20  # notes a part
MOST_BYTES = 64 * 1024
MOST_CHARACTERS = 400
SHOWN_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Note:
    """One file that was set aside; ``time`` is UTC, ISO 8601, by the clock of that moment."""

    time: str
    file: str  # its path
    kept: str  # the name under which it stays
    problem: str  # a clause about the past
    now: str  # what became of it: what is lost, or what took its place
    cure: str

    def __str__(self) -> str:
        return f"{self.problem} and stays as {self.kept}; {self.now}. {self.cure}"


def add(directory: Path, fresh: Iterable[Note]) -> None:
    """Add notes to a part's. Raises OSError."""
    path = directory / FILE
    content = [asdict(note) for note in (*read(path), *fresh)][-KEPT:]
    whole_file.write(path, json.dumps(content, indent=1) + "\n", mode=0o644)


def read(path: Path) -> tuple[Note, ...]:
    """Return the notes in a file, the oldest first; what can't be read is no note."""
    try:
        with path.open("rb") as stream:
            return parse(stream.read(MOST_BYTES))
    except OSError:
        return ()


def parse(content: bytes) -> tuple[Note, ...]:
    """Return the notes that are in the text."""
    try:
        entries = json.loads(content)
        return tuple(
            Note(**{field.name: _plain(entry[field.name]) for field in fields(Note)})
            for entry in entries[-KEPT:]
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()


def _plain(value: object) -> str:
    words = str(value)[:MOST_CHARACTERS]
    return "".join(letter if letter.isprintable() else "?" for letter in words)


def read_all(directory: Path) -> tuple[Note, ...]:
    """Return every part's notes; never raises."""
    try:
        found = sorted(directory.glob(f"*/{FILE}"))
    except OSError:
        return ()
    return tuple(note for path in found for note in read(path))


def recent(notes: Iterable[Note], now: datetime) -> tuple[Note, ...]:
    """Return the notes that are still worth showing; one from the future is."""
    return tuple(note for note in notes if now - _time(note) < SHOWN_FOR)


def _time(note: Note) -> datetime:
    try:
        return datetime.fromisoformat(note.time).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
