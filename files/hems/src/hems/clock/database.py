"""Home Assistant's bucket, as far as points are moved in it."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hems import HemsError, influxql
from hems.clock.core import NS, Range, lines
from hems.loopback import exchange

ORGANIZATION, BUCKET = "hems", "home_assistant"
TIMEOUT_SECONDS = 120.0  # a slow card empties a range in that
ANSWER_BYTES = 16 * 1024 * 1024
FIELD_TYPES = "SHOW FIELD KEYS"
RECENT_NS = 7 * 86_400 * NS  # a shard's length: all of them would take long


class DatabaseError(HemsError):
    """InfluxDB does not answer, or not as wished."""


@dataclass(frozen=True)
class Database:
    """The bucket; ``reads`` and ``writes`` are tokens."""

    port: int
    reads: str
    writes: str

    def newest(self, now: int) -> int:
        """Return when its newest point is, ns since 1970; 0: none is of the week before ``now``.

        Raises DatabaseError.
        """
        since = now - RECENT_NS
        asked = f"SELECT * FROM /.*/ WHERE time >= {since} ORDER BY time DESC LIMIT 1"
        found = self._query(asked)
        return max((int(one["values"][0][0]) for one in found), default=0)

    def types(self) -> dict[str, dict[str, str]]:
        """Return the type of each field of each measurement."""
        found = self._query(FIELD_TYPES)
        return {one["name"]: {key: kind for key, kind, *_ in one["values"]} for one in found}

    def read(self, where: Range, types: dict[str, dict[str, str]], by: int) -> Iterator[str]:
        """Return a range's points as line protocol, ``by`` ns later. Raises DatabaseError."""
        asked = f"SELECT * FROM /.*/ WHERE time >= {where[0]} AND time <= {where[1]} GROUP BY *"
        for one in self._query(asked):
            try:
                yield from lines(one, types, by)
            except KeyError as error:
                raise DatabaseError(f"InfluxDB tells no type of the field {error}.") from error

    def write(self, points: Sequence[str]) -> None:
        """Store points; what is there already is replaced by itself. Raises DatabaseError."""
        where = {"org": ORGANIZATION, "bucket": BUCKET, "precision": "ns"}
        body = "\n".join(points).encode()
        self._ask("/api/v2/write", where, body)

    def delete(self, where: Range) -> None:
        """Empty a range. Raises DatabaseError."""
        body = json.dumps({"start": _rfc3339(where[0]), "stop": _rfc3339(where[1])}).encode()
        place = {"org": ORGANIZATION, "bucket": BUCKET}
        self._ask("/api/v2/delete", place, body)

    def _query(self, text: str) -> list[dict[str, Any]]:
        status, body = self._exchange("GET", influxql.path(BUCKET, text), self.reads)
        try:
            return influxql.series(status, body)
        except influxql.AnswerError as error:
            raise DatabaseError(f"{error}.") from error

    def _ask(self, path: str, query: dict[str, str], body: bytes) -> None:
        place = f"{path}?{urllib.parse.urlencode(query)}"
        status, text = self._exchange("POST", place, self.writes, body)
        if status >= 300:
            raise DatabaseError(f"InfluxDB answers {status} to {path}: {influxql.words(text)}")

    def _exchange(
        self, method: str, path: str, token: str, body: bytes | None = None
    ) -> tuple[int, bytes]:
        headers = {"Authorization": f"Token {token}"}
        bounds: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "most": ANSWER_BYTES + 1}
        try:
            status, text = exchange(self.port, method, path, body, headers, **bounds)
        except (OSError, ValueError) as error:
            raise DatabaseError(f"InfluxDB does not answer: {error}.") from error
        if len(text) > ANSWER_BYTES:
            raise DatabaseError(f"InfluxDB's answer is larger than {ANSWER_BYTES} bytes.")
        return status, text


def _rfc3339(at: int) -> str:
    seconds, rest = divmod(at, NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"
