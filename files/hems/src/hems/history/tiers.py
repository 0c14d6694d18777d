"""What InfluxDB keeps beside the readings: their hours and days, and for how long what is kept.

The Flux that makes an hour or a day is the text of InfluxDB's own task (role influxdb): ``run``
gives it the time that it would have run at.
"""

from __future__ import annotations

import json
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hems.history import HistoryError
from hems.history.bridge import TAG as BRIDGED
from hems.history.compare import SECOND
from hems.history.influxdb import BUCKET, CURE, ORGANIZATION, Influxdb
from hems.history.rollup import Counts, Owner, Row, Rows, Series

HOURLY, DAILY = "home_assistant_1h", "home_assistant_1d"
GROUP = f"GROUP BY domain, entity_id, {BRIDGED}"


@dataclass(frozen=True)
class Tiers:
    """The three buckets. Every call raises HistoryError when InfluxDB does not do it."""

    influxdb: Influxdb

    def raw(self, begin: int, end: int) -> Counts:
        """Return how many readings each series has by hour, from ``begin`` to ``end`` (ns)."""
        question = (
            f"SELECT count(value) FROM /.+/ WHERE time >= {begin} AND time < {end} "
            f"{GROUP}, time(1h) fill(none)"
        )
        found: dict[Series, dict[int, int]] = defaultdict(dict)
        for series, rows in self._series(question, BUCKET):
            found[series].update({at: int(count) for at, count in rows if count})
        return found

    def hours(self, begin: int, end: int) -> Rows:
        """Return the hours that begin from ``begin`` to before ``end`` (ns)."""
        return self._rows(HOURLY, begin, end)

    def day(self, begin: int) -> dict[Series, Row]:
        """Return the day that begins then (ns)."""
        rows = self._rows(DAILY, begin, begin + 1)
        return {series: row for series, times in rows.items() for row in times.values()}

    def first_after(self, at: int) -> dict[Owner, int]:
        """Return when each entity was heard first from then on (ns)."""
        question = f"SELECT first(value) FROM /.+/ WHERE time >= {at} {GROUP}"
        found: dict[Owner, int] = {}
        for (measurement, entity, _), rows in self._series(question, BUCKET):
            first = min(row[0] for row in rows)
            found[measurement, entity] = min(first, found.get((measurement, entity), first))
        return found

    def run(self, flux: str, now: int) -> None:
        """Run a task's text as if it were that time (ns)."""
        body = {"query": flux, "type": "flux", "now": _text(now), "dialect": {"annotations": []}}
        path = f"/api/v2/query?{urllib.parse.urlencode({'org': ORGANIZATION})}"
        status, answer = self._exchange("POST", path, body)
        said = answer.decode(errors="replace")
        # An error on the way comes as a table of its own, with status 200.
        if status != 200 or any(line.startswith("error,") for line in said.splitlines()):
            raise HistoryError(
                f"InfluxDB does not make an hour or a day ({status} {_one(said)}): {CURE}"
            )

    def erase(self, bucket: str, begin: int, end: int) -> None:
        """Delete what a bucket has from ``begin`` to before ``end`` (ns)."""
        query = urllib.parse.urlencode({"org": ORGANIZATION, "bucket": bucket})
        body = {"start": _text(begin), "stop": _text(end - 1)}
        status, answer = self._exchange("POST", f"/api/v2/delete?{query}", body)
        if status != 204:
            said = _one(answer.decode(errors="replace"))
            raise HistoryError(f"InfluxDB does not delete from {bucket} ({status} {said}): {CURE}")

    def kept(self) -> int:
        """Return for how long readings are kept (ns); 0: for ever."""
        rules = self._bucket()["retentionRules"]
        return int(rules[0].get("everySeconds", 0)) * SECOND if rules else 0

    def keep(self, period: int) -> None:
        """Keep readings for so long (ns; 0: for ever). What is older goes within the hour."""
        rules = [{"type": "expire", "everySeconds": period // SECOND}]
        path = f"/api/v2/buckets/{self._bucket()['id']}"
        status, answer = self._exchange("PATCH", path, {"retentionRules": rules})
        if status != 200:
            said = _one(answer.decode(errors="replace"))
            raise HistoryError(
                f"InfluxDB does not change how long it keeps ({status} {said}): {CURE}"
            )

    def _exchange(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        return self.influxdb.exchange(method, path, json.dumps(body), "application/json")

    def _bucket(self) -> dict[str, Any]:
        path = f"/api/v2/buckets?{urllib.parse.urlencode({'name': BUCKET})}"
        status, answer = self.influxdb.exchange("GET", path, "")
        try:
            found: dict[str, Any] = json.loads(answer)["buckets"][0]
        except (ValueError, LookupError, TypeError) as error:
            raise HistoryError(f"InfluxDB does not show {BUCKET} ({status}): {CURE}") from error
        return found

    def _rows(self, bucket: str, begin: int, end: int) -> Rows:
        question = (
            f'SELECT "count", increase FROM /.+/ WHERE time >= {begin} AND time < {end} {GROUP}'
        )
        found: dict[Series, dict[int, Row]] = defaultdict(dict)
        for series, rows in self._series(question, bucket):
            for at, count, increase in rows:
                found[series][at] = Row(int(count or 0), float(increase or 0.0))
        return found

    def _series(self, question: str, bucket: str) -> Iterator[tuple[Series, list[list[Any]]]]:
        """Yield what has an entity: the series that Home Assistant, or a bridge, wrote."""
        for series, rows in self.influxdb.question(question, bucket):
            tags = series["tags"]
            if rows and tags["domain"] and tags["entity_id"]:
                name = f"{tags['domain']}.{tags['entity_id']}"
                yield (series["name"], name, tags[BRIDGED]), rows


def _text(at: int) -> str:
    moment = datetime.fromtimestamp(at // SECOND, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % SECOND:09d}Z"


def _one(said: str) -> str:
    return " ".join(said.split())[:300]
