"""InfluxQL at InfluxDB's ``/query``: the path that asks it, and what an answer says. Pure."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

from hems import HemsError

OK = 200


class AnswerError(HemsError):
    """InfluxDB has no whole answer to a question; says why, without a full stop."""


def path(bucket: str, question: str) -> str:
    """Return the path that asks one question of a bucket; times in the answer are ns since 1970."""
    query = urllib.parse.urlencode({"db": bucket, "epoch": "ns", "q": question})
    return f"/query?{query}"


def series(status: int, body: bytes) -> list[dict[str, Any]]:
    """Return an answer's series: ``name``, ``columns``, ``values``, and ``tags`` if it is grouped.

    Raises AnswerError, also for an answer that was cut short.
    """
    try:
        if status != OK:
            raise AnswerError(f"InfluxDB answers {status} to a question ({words(body)})")
        result = json.loads(body)["results"][0]
        if "error" in result or result.get("partial"):
            said = result.get("error", "it has too much to say")
            raise AnswerError(f"InfluxDB refuses a question ({said})")
        found: list[dict[str, Any]] = result.get("series", [])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise AnswerError("InfluxDB's answer is not understood") from error
    return found


def words(body: bytes) -> str:
    """Return what InfluxDB says of a request that it refuses, on one line of at most 300."""
    try:
        found = json.loads(body)
        said = str(found.get("message") or found["error"])
    except (ValueError, LookupError, TypeError, AttributeError):
        said = body.decode(errors="replace")
    return " ".join(said.split())[:300]
