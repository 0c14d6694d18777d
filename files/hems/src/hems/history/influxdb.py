"""What the history asks of InfluxDB, with a token that may read and write readings, nothing else.

Wire: InfluxQL at ``/query``, line protocol at ``/api/v2/write``. One malformed line costs its whole
batch (400); a field of another type costs only its point (422, partial write): the two are told
apart, and neither is sent again for ever.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hems import influxql
from hems.history import HistoryError
from hems.history.bridge import TAG as BRIDGED
from hems.history.compare import SECOND, WINDOW
from hems.loopback import exchange

BUCKET, ORGANIZATION = "home_assistant", "hems"
SECRET = "influxdb_token_history"
TIMEOUT_SECONDS = 60.0
ANSWER_BYTES = 256 * 1024 * 1024
OURS = ("domain", "entity_id", BRIDGED)
COUNTED = "SELECT count(value), count(state) FROM /.+/"
POINTS = "SELECT value, state FROM /.+/"
CURE = "'hems status' says how it is; the next run tries again."

T = TypeVar("T")


@dataclass(frozen=True)
class Written:
    """What became of a batch: the lines that InfluxDB does not take, and why."""

    refused: tuple[int, ...] = ()  # their places in the batch
    reason: str = ""


@dataclass(frozen=True, repr=False)
class Influxdb:
    """The server on loopback. Every call raises HistoryError when it does not answer as it should.

    Printed, it does not show its token.
    """

    port: int
    token: str

    def foreign_tags(self) -> list[str]:
        """Return the tags that Home Assistant has been told to add, and that can't be known."""
        found = {row[0] for _, rows in self.question("SHOW TAG KEYS") for row in rows}
        return sorted(found - set(OURS))

    def counts(self, begin: int, end: int) -> dict[tuple[str, int], int]:
        """Return how many measured points each entity has by window, from ``begin`` to ``end``."""
        where = f"WHERE time >= {begin} AND time < {end} AND {BRIDGED} = ''"
        group = f"GROUP BY domain, entity_id, time({WINDOW}s) fill(none)"
        found: dict[tuple[str, int], int] = {}
        for series, rows in self.question(f"{COUNTED} {where} {group}"):
            entity = _entity(series["tags"])
            for at, values, states in rows:
                # A point has either or both; fewer than there are only asks for a closer look.
                key = entity, at // (WINDOW * SECOND)
                found[key] = found.get(key, 0) + max(values or 0, states or 0)
        return found

    def points(self, begin: int, end: int, entity: str = "") -> dict[tuple[str, int], set[str]]:
        """Return whose points there are at each measurement and time (ns), before ``end``."""
        where = f"WHERE time >= {begin} AND time < {end} AND {BRIDGED} = ''"
        if entity:
            domain, _, name = entity.partition(".")
            where += f" AND domain = '{_quoted(domain)}' AND entity_id = '{_quoted(name)}'"
        found: dict[tuple[str, int], set[str]] = {}
        for series, rows in self.question(f"{POINTS} {where} GROUP BY domain, entity_id"):
            owner = _entity(series["tags"])
            for at, *_ in rows:
                found.setdefault((series["name"], at), set()).add(owner)
        return found

    def write(self, lines: Sequence[str]) -> Written:
        """Write a batch. What of it can't be stored is found line by line, and said."""
        status, reason = self._post("\n".join(lines))
        if status == 204:
            return Written()
        if status not in (400, 413, 422):
            raise HistoryError(f"InfluxDB does not take points ({status} {reason}): {CURE}")
        if len(lines) == 1:
            return Written((0,), reason)
        # 400: nothing is stored. 422: all that can be is; which ones were not, it does not say.
        half = len(lines) // 2
        parts = ((0, lines[:half]), (half, lines[half:]))
        done = [(offset, self.write(part)) for offset, part in parts]
        refused = tuple(offset + place for offset, one in done for place in one.refused)
        return Written(refused, next((one.reason for _, one in done if one.reason), ""))

    def _post(self, body: str) -> tuple[int, str]:
        query = {"org": ORGANIZATION, "bucket": BUCKET, "precision": "ns"}
        path = f"/api/v2/write?{urllib.parse.urlencode(query)}"
        status, answer = self.exchange("POST", path, body)
        return status, influxql.words(answer)

    def question(
        self, question: str, bucket: str = BUCKET
    ) -> Iterator[tuple[dict[str, Any], list[list[Any]]]]:
        """Yield each series of the answer to InfluxQL, with its rows; times are in ns."""
        status, body = self.exchange("POST", influxql.path(bucket, question), "")
        try:
            series = influxql.series(status, body)
        except influxql.AnswerError as error:
            raise HistoryError(f"{error}: {CURE}") from error
        yield from ((one, one.get("values", [])) for one in series)

    def exchange(
        self, method: str, path: str, body: str, kind: str = "text/plain"
    ) -> tuple[int, bytes]:
        """Ask, and return status and answer."""
        headers = {"Authorization": f"Token {self.token}", "Content-Type": kind}
        bounds: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "most": ANSWER_BYTES}
        try:
            return exchange(self.port, method, path, body.encode(), headers, **bounds)
        except (OSError, ValueError) as error:
            raise HistoryError(f"InfluxDB does not answer ({error}): {CURE}") from error


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most ``size``."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _entity(tags: dict[str, str]) -> str:
    return f"{tags.get('domain', '')}.{tags.get('entity_id', '')}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
