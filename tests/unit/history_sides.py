"""The two sides of a history, in memory and in a file: a recorder, and an InfluxDB."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from hems.history import HistoryError
from hems.history.compare import SECOND, WINDOW
from hems.history.influxdb import Written
from hems.history.line import Reading, line

SCHEMA = """
CREATE TABLE states_meta (metadata_id INTEGER PRIMARY KEY, entity_id TEXT);
CREATE TABLE state_attributes (attributes_id INTEGER PRIMARY KEY, shared_attrs TEXT);
CREATE TABLE states (state_id INTEGER PRIMARY KEY, metadata_id INTEGER, state TEXT,
  last_updated_ts FLOAT, attributes_id INTEGER);
CREATE TABLE recorder_runs (run_id INTEGER PRIMARY KEY, start TEXT, end TEXT,
  closed_incorrect BOOLEAN);
"""


def write_recorder(path: Path, readings: Iterable[Reading]) -> None:
    """Make Home Assistant's database, as far as it is read, with these states."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA)
        metadata: dict[str, int] = {}
        for one in readings:
            number = metadata.setdefault(one.entity, len(metadata) + 1)
            database.execute(
                "INSERT OR IGNORE INTO states_meta VALUES (?, ?)", (number, one.entity)
            )
            attributes = database.execute(
                "INSERT INTO state_attributes (shared_attrs) VALUES (?)",
                (json.dumps(one.attributes),),
            ).lastrowid
            database.execute(
                "INSERT INTO states (metadata_id, state, last_updated_ts, attributes_id) "
                "VALUES (?, ?, ?, ?)",
                (number, one.state, one.at / SECOND, attributes),
            )
        database.commit()


class Killed(BaseException):
    """The process ends here."""


class FakeInfluxdb:
    """Keeps lines as InfluxDB keeps points; breaks, refuses and is killed as told."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self.lines: dict[tuple[str, int], str] = {}
        self.written = 0
        self.refuses: set[str] = set()  # entities
        self.down = False
        self.dies_after: int | None = None  # writes
        self.tags: list[str] = []
        self.write(list(lines))
        self.written = 0

    def foreign_tags(self) -> list[str]:
        """Tags that are not ours."""
        return self.tags

    def counts(self, begin: int, end: int) -> dict[tuple[str, int], int]:
        """Points by entity and window."""
        found: dict[tuple[str, int], int] = {}
        for series, at in self.lines:
            if begin <= at < end and "bridged=" not in series:
                key = _entity(series), at // (WINDOW * SECOND)
                found[key] = found.get(key, 0) + 1
        return found

    def points(self, begin: int, end: int, entity: str = "") -> dict[tuple[str, int], set[str]]:
        """Whose points there are."""
        found: dict[tuple[str, int], set[str]] = {}
        for series, at in self.lines:
            if begin <= at < end and "bridged=" not in series and entity in ("", _entity(series)):
                found.setdefault((series.partition(",")[0], at), set()).add(_entity(series))
        return found

    def write(self, lines: Sequence[str]) -> Written:
        """Take a batch."""
        if self.down:
            raise HistoryError("InfluxDB does not answer.")
        refused = []
        for place, text in enumerate(lines):
            series, _, rest = text.partition(" ")
            if _entity(series) in self.refuses:
                refused.append(place)
                continue
            self.lines[series, int(rest.rpartition(" ")[2])] = text
            self.written += 1
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after < 0:
                raise Killed
        return Written(tuple(refused), "field type conflict" if refused else "")


def _entity(series: str) -> str:
    tags = dict(part.split("=") for part in series.split(",")[1:])
    return f"{tags['domain']}.{tags['entity_id']}"


def every(seconds: int, begin: int, count: int, entity: str = "sensor.power") -> list[Reading]:
    """Return so many readings of an entity."""
    attributes = {"unit_of_measurement": "W"}
    return [
        Reading(entity, begin + place * seconds * SECOND, str(place), attributes)
        for place in range(count)
    ]


def lines(readings: Iterable[Reading]) -> list[str]:
    """Return the readings as Home Assistant writes them."""
    return [line(one) for one in readings]
