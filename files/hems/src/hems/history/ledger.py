"""The ledger: every gap that was found, what became of it, and how far the readings are proven.

One SQLite file of the history's own user. Its write-ahead log makes a ``kill -9`` at any moment
harmless: a gap is written down before it is filled, and is looked at again until it is closed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

from hems.history import HistoryError

FILE = "ledger.db"
OPEN, FILLED, REFUSED, BRIDGED = "open", "filled", "refused", "bridged"
VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS gap (
  id INTEGER PRIMARY KEY, entity TEXT NOT NULL, begin INTEGER NOT NULL, end INTEGER NOT NULL,
  points INTEGER NOT NULL, cause TEXT NOT NULL, state TEXT NOT NULL, found TEXT NOT NULL,
  closed TEXT NOT NULL DEFAULT '', filled INTEGER NOT NULL DEFAULT 0,
  detail TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS gap_state ON gap (state);
CREATE INDEX IF NOT EXISTS gap_begin ON gap (begin);
CREATE TABLE IF NOT EXISTS pending_hour (at INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS progress (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Gap:
    """Readings of one entity that InfluxDB lacked. Times in ns since 1970, both included."""

    entity: str
    begin: int
    end: int
    points: int  # how many were missing when it was found
    cause: str
    state: str = OPEN
    found: str = ""  # UTC, ISO 8601
    closed: str = ""
    filled: int = 0  # how many were given back
    detail: str = ""  # what InfluxDB said to those that it refused
    id: int = 0


NAMES = [field.name for field in fields(Gap)]


class Ledger:
    """The open file. Raises HistoryError when it can't be used."""

    def __init__(self, path: Path) -> None:
        with _words(path):
            self._database = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(SCHEMA)
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise HistoryError(
                    f"{path} was written by a newer release: run the newer playbook, "
                    "or move the file away to begin a new one."
                )
            self._database.execute(f"PRAGMA user_version={VERSION}")
        self._path = path

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def add(self, gaps: Iterable[Gap]) -> list[Gap]:
        """Write gaps down and return them with their ids; one that is there already stays one."""
        with _words(self._path):
            self._database.execute("BEGIN IMMEDIATE")
            kept = [self._add(gap) for gap in gaps]
            self._database.execute("COMMIT")
        return kept

    def _add(self, gap: Gap) -> Gap:
        known = self._rows(
            "WHERE state = ? AND entity = ? AND begin <= ? AND end >= ?",
            (OPEN, gap.entity, gap.begin, gap.end),
        )
        if known and gap.state == OPEN:
            return known[0]
        values = astuple(gap)[:-1]
        marks = ", ".join("?" * len(values))
        done = self._database.execute(
            f"INSERT INTO gap ({', '.join(NAMES[:-1])}) VALUES ({marks})",
            values,
        )
        return replace(gap, id=int(done.lastrowid or 0))

    def close_gap(self, gap: Gap, state: str, filled: int, closed: str, detail: str = "") -> None:
        """Write down what became of a gap."""
        with _words(self._path):
            self._database.execute(
                "UPDATE gap SET state = ?, filled = ?, closed = ?, detail = ? WHERE id = ?",
                (state, filled, closed, detail, gap.id),
            )

    def explain(self, gap: Gap, cause: str) -> None:
        """Write down another cause of a gap."""
        with _words(self._path):
            self._database.execute("UPDATE gap SET cause = ? WHERE id = ?", (cause, gap.id))

    def refused(self, entity: str, begin: int, end: int) -> bool:
        """Whether these readings are known to be none that InfluxDB takes."""
        with _words(self._path):
            where = "WHERE state = ? AND entity = ? AND begin <= ? AND end >= ? LIMIT 1"
            return bool(self._rows(where, (REFUSED, entity, begin, end)))

    def bridged(self, entity: str, begin: int) -> bool:
        """Whether a pause that begins then is bridged already."""
        with _words(self._path):
            where = "WHERE state = ? AND entity = ? AND begin = ? LIMIT 1"
            return bool(self._rows(where, (BRIDGED, entity, begin)))

    def open_gaps(self) -> list[Gap]:
        """Return the gaps that are not closed, the oldest first."""
        with _words(self._path):
            return self._rows("WHERE state = ? ORDER BY begin, entity", (OPEN,))

    def gaps(self, since: int = 0) -> list[Gap]:
        """Return all gaps that end after ``since`` (ns), the oldest first."""
        with _words(self._path):
            return self._rows("WHERE end >= ? ORDER BY begin, entity", (since,))

    def _rows(self, where: str, values: tuple[object, ...]) -> list[Gap]:
        rows = self._database.execute(
            f"SELECT {', '.join(NAMES)} FROM gap {where}",
            values,
        )
        return [Gap(*row) for row in rows]

    def pend(self, hours: Iterable[int]) -> None:
        """Write down the hours (ns) that have to be made again."""
        with _words(self._path):
            self._database.execute("BEGIN IMMEDIATE")
            rows = [(at,) for at in hours]
            self._database.executemany("INSERT OR IGNORE INTO pending_hour VALUES (?)", rows)
            self._database.execute("COMMIT")

    def pended(self) -> list[int]:
        """Return the hours that are still to be made again, the oldest first."""
        with _words(self._path):
            rows = self._database.execute("SELECT at FROM pending_hour ORDER BY at").fetchall()
        return [int(at) for (at,) in rows]

    def unpend(self, at: int) -> None:
        """Write down that an hour is made."""
        with _words(self._path):
            self._database.execute("DELETE FROM pending_hour WHERE at = ?", (at,))

    def progress(self, name: str) -> int | None:
        """Return how far something is (ns since 1970); None before the first time."""
        with _words(self._path):
            row = self._database.execute(
                "SELECT value FROM progress WHERE name = ?", (name,)
            ).fetchone()
        return None if row is None else int(row[0])

    def advance(self, name: str, value: int) -> None:
        """Write down how far something is (ns since 1970)."""
        with _words(self._path):
            self._database.execute(
                "INSERT INTO progress VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = ?",
                (name, value, value),
            )


@contextmanager
def _words(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise HistoryError(
            f"The ledger {path} can't be used ({error}): look at 'df -h', and move it away when it "
            "is broken; a new one is begun, and nothing else is lost with it."
        ) from error
