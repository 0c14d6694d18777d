"""The proof that InfluxDB works: a point comes back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.influxdb_modules import api, probe

AT = 1763800000000000123


def server(write: Any, query: Any) -> Any:
    """Return a transport that gives these two answers."""
    return lambda request: write if request.method == "POST" else query


def found(value: Any) -> Any:
    """Return an answer to the query with one value."""
    series = {"name": "converge", "columns": ["time", "value"], "values": [[AT, value]]}
    return api.Answer(200, {"results": [{"statement_id": 0, "series": [series]}]})


def test_a_point_that_comes_back_is_proof() -> None:
    probe.probe(server(api.Answer(204), found(AT % 1000)), "Token x", "hems_probe", AT)


@pytest.mark.parametrize(
    ("write", "query", "words"),
    [
        (
            api.Answer(403, {"message": "insufficient permissions for write"}),
            found(123),
            "the write got 403",
        ),
        (api.Answer(204), found(5), "the query got 200"),
        (
            api.Answer(204),
            api.Answer(200, {"results": [{"error": "database not found"}]}),
            "not found",
        ),
        (api.Answer(0, "timed out"), found(123), "timed out"),
    ],
)
def test_anything_else_is_told(write: Any, query: Any, words: str) -> None:
    with pytest.raises(api.InfluxdbProblem, match=words):
        probe.probe(server(write, query), "Token x", "hems_probe", AT)
