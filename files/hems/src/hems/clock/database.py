"""Home Assistant's bucket, as far as points are moved in it."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hems import HemsError
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
        self._ask("/api/v2/write", where, self.writes, body)

    def delete(self, where: Range) -> None:
        """Empty a range. Raises DatabaseError."""
        body = json.dumps({"start": _rfc3339(where[0]), "stop": _rfc3339(where[1])}).encode()
        place = {"org": ORGANIZATION, "bucket": BUCKET}
        self._ask("/api/v2/delete", place, self.writes, body)

    def _query(self, text: str) -> list[dict[str, Any]]:
        asked = {"db": BUCKET, "epoch": "ns", "q": text}
        body = self._ask("/query", asked, self.reads)
        try:
            result = json.loads(body)["results"][0]
            if "error" in result:
                raise DatabaseError(f"InfluxDB refuses a query: {result['error']}")
            series: list[dict[str, Any]] = result.get("series", [])
        except (ValueError, LookupError, TypeError) as error:
            raise DatabaseError("InfluxDB's answer to a query can't be read.") from error
        return series

    def _ask(
        self, path: str, query: dict[str, str], token: str, body: bytes | None = None
    ) -> bytes:
        method = "GET" if body is None else "POST"
        place = f"{path}?{urllib.parse.urlencode(query)}"
        headers = {"Authorization": f"Token {token}"}
        bounds: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "most": ANSWER_BYTES + 1}
        try:
            status, text = exchange(self.port, method, place, body, headers, **bounds)
        except (OSError, ValueError) as error:
            raise DatabaseError(f"InfluxDB does not answer: {error}.") from error
        if status >= 300:
            words = " ".join(text[:300].decode(errors="replace").split())
            raise DatabaseError(f"InfluxDB answers {status} to {path}: {words}")
        if len(text) > ANSWER_BYTES:
            raise DatabaseError(f"InfluxDB's answer to {path} is larger than {ANSWER_BYTES} bytes.")
        return text


def _rfc3339(at: int) -> str:
    seconds, rest = divmod(at, NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"
