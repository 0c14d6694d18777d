"""Home Assistant's recorder, read while Home Assistant writes it. Never written.

Schema: ``homeassistant/components/recorder/db_schema.py`` of 2026.10 (states, states_meta,
state_attributes, recorder_runs). Every question is short, so that none keeps the recorder's
write-ahead log from being taken over.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from hems.history import HistoryError
from hems.history.bridge import Heard, is_counter
from hems.history.compare import SECOND, WINDOW
from hems.history.line import EPOCH, UNIT, Reading, is_written, nanoseconds, number

FILE = "home-assistant_v2.db"
BUSY_SECONDS = 30.0
EDGE = 1.0  # s; a time in ns may be rounded over the edge of a window
NUMBERLESS = ("nan", "inf", "infinity")  # what float() takes and InfluxDB does not
SKIPPED = ("unknown", "unavailable", "", *(f"{s}{n}" for s in ("", "-", "+") for n in NUMBERLESS))


class Recorder:
    """The open database. Raises HistoryError when it can't be read."""

    def __init__(
        self,
        path: Path,
        domains: Collection[str],
        excluded: Collection[str],
        moved: Sequence[tuple[int, int]] = (),
    ) -> None:
        """``domains`` and ``excluded`` entities are those of Home Assistant's InfluxDB writer.

        ``moved``: what is dated from … to (ns) was dated by a wrong clock; InfluxDB has it under
        its right date, so it is no reading here.
        """
        self._path, self._domains, self._excluded = path, frozenset(domains), frozenset(excluded)
        self._moved = tuple(moved)
        with self._words():
            self._database = _open(path)

    def close(self) -> None:
        """Close it."""
        self._database.close()

    def begins(self) -> int | None:
        """Return the time (ns) of the oldest state; None when there is none."""
        with self._words():
            (oldest,) = self._database.execute("SELECT min(last_updated_ts) FROM states").fetchone()
        return None if oldest is None else nanoseconds(oldest)

    def counts(self, begin: int, end: int) -> dict[tuple[str, int], int]:
        """Return each entity's number of states by window, from ``begin`` to before ``end``."""
        marks = ", ".join("?" * len(SKIPPED))
        with self._words():
            rows = self._database.execute(
                "SELECT metadata_id, CAST(last_updated_ts / ? AS INTEGER), count(*) FROM states "
                "WHERE last_updated_ts >= ? AND last_updated_ts < ? AND state IS NOT NULL "
                f"AND lower(state) NOT IN ({marks}) {self._not_moved()} GROUP BY 1, 2",
                (WINDOW, begin / SECOND, end / SECOND, *SKIPPED),
            ).fetchall()
            names = self._names()
        return {(names[one], window): count for one, window, count in rows if one in names}

    def readings(self, begin: int, end: int, entity: str = "") -> list[Reading]:
        """Return what Home Assistant has written from ``begin`` to before ``end`` (ns), by time."""
        with self._words():
            names = self._names()
            only = [one for one, name in names.items() if name == entity]
            if entity and not only:
                return []
            marks = f"AND s.metadata_id IN ({', '.join('?' * len(only))}) " if only else ""
            rows = self._database.execute(
                "SELECT s.metadata_id, s.last_updated_ts, s.state, a.shared_attrs FROM states s "
                "LEFT JOIN state_attributes a ON a.attributes_id = s.attributes_id "
                f"WHERE s.last_updated_ts >= ? AND s.last_updated_ts < ? {marks}"
                "ORDER BY s.last_updated_ts",
                (begin / SECOND - EDGE, end / SECOND + EDGE, *only),
            )
            parsed: dict[str, dict[str, Any]] = {}
            found = []
            for one, timestamp, state, shared in rows:
                at = nanoseconds(timestamp)
                if one not in names or not begin <= at < end or not is_written(state or ""):
                    continue
                if self._is_moved(at):
                    continue
                if shared not in parsed:
                    parsed[shared] = _attributes(shared)
                found.append(Reading(names[one], at, state, parsed[shared]))
        return found

    def counters(self) -> dict[str, str]:
        """Return the entities that count without end, with the unit that they have now."""
        with self._words():
            found = {}
            for one, name in self._names().items():
                row = self._database.execute(
                    "SELECT a.shared_attrs FROM states s JOIN state_attributes a "
                    "ON a.attributes_id = s.attributes_id WHERE s.metadata_id = ? "
                    f"AND lower(s.state) NOT IN ({', '.join('?' * len(SKIPPED))}) "
                    "ORDER BY s.last_updated_ts DESC LIMIT 1",
                    (one, *SKIPPED),
                ).fetchone()
                attributes = _attributes(row[0]) if row else {}
                if is_counter(attributes):
                    found[name] = str(attributes[UNIT])
        return found

    def heard(self, entity: str) -> Iterator[Heard]:
        """Yield all that is known of a counter, by time."""
        with self._words():
            rows = self._database.execute(
                "SELECT s.last_updated_ts, s.state FROM states s JOIN states_meta m "
                "ON m.metadata_id = s.metadata_id WHERE m.entity_id = ? "
                "ORDER BY s.last_updated_ts",
                (entity,),
            )
            for timestamp, state in rows:
                value = number(state) if is_written(state or "") else None
                if not self._is_moved(at := nanoseconds(timestamp)):
                    yield at, value

    def pauses(self) -> list[tuple[int, int]]:
        """Return the times (from, to; ns) between two runs of the recorder, the oldest first."""
        with self._words():
            rows = self._database.execute(
                "SELECT start, end, closed_incorrect FROM recorder_runs ORDER BY start"
            ).fetchall()
            found = []
            for (_, ended, cut), (begun, _, _) in pairwise(rows):
                start = _time(begun)
                # Of a run that was cut, the end is when the next one began.
                end = self._newest_before(start) if cut or not ended else _time(ended)
                if end is not None and end <= start:
                    found.append((end, start))
        return found

    def _is_moved(self, at: int) -> bool:
        return any(first <= at <= last for first, last in self._moved)

    def _not_moved(self) -> str:
        # Numbers of our own, no text from outside.
        return " ".join(
            f"AND NOT last_updated_ts BETWEEN {first / SECOND!r} AND {last / SECOND!r}"
            for first, last in self._moved
        )

    def _newest_before(self, at: int) -> int | None:
        (newest,) = self._database.execute(
            "SELECT max(last_updated_ts) FROM states WHERE last_updated_ts < ?", (at / SECOND,)
        ).fetchone()
        return None if newest is None else nanoseconds(newest)

    def _names(self) -> dict[int, str]:
        rows = self._database.execute("SELECT metadata_id, entity_id FROM states_meta")
        return {
            one: name
            for one, name in rows
            if name and name.partition(".")[0] in self._domains and name not in self._excluded
        }

    @contextmanager
    def _words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise HistoryError(
                f"Home Assistant's history {self._path} can't be read ({error}): "
                "'hems status' says how Home Assistant is; the next run tries again."
            ) from error


def _open(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise sqlite3.OperationalError("there is none yet")
    name = f"file:{str(path).replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode=ro"
    database = sqlite3.connect(name, uri=True, timeout=BUSY_SECONDS)
    try:
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        database.close()
        if path.with_name(f"{path.name}-wal").exists():
            raise
        # Nobody has it open, and its directory is not ours to put the log's index into.
        database = sqlite3.connect(f"{name}&immutable=1", uri=True)
    return database


def _attributes(shared: str | None) -> dict[str, Any]:
    try:
        found = json.loads(shared or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _time(text: str) -> int:
    """Return a time of ``recorder_runs`` (UTC without a zone) in ns since 1970."""
    since = datetime.fromisoformat(text).replace(tzinfo=EPOCH.tzinfo) - EPOCH
    return math.floor(since.total_seconds() * 1e6) * 1000
