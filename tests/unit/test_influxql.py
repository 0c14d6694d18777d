"""What InfluxDB's answers to InfluxQL say, whole, refused, cut short or none at all."""

from __future__ import annotations

import pytest
from hems import influxql
from hems.influxql import AnswerError

ONE = b'{"results": [{"series": [{"name": "W", "columns": ["time"], "values": [[1]]}]}]}'


def test_series_come_as_they_are() -> None:
    assert influxql.series(200, ONE) == [{"name": "W", "columns": ["time"], "values": [[1]]}]
    assert influxql.series(200, b'{"results": [{"statement_id": 0}]}') == []


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b'{"code": "unauthorized", "message": "no\\n access"}', r"401 .*\(no access\)"),
        (500, b"<html> broken", r"500 .*\(<html> broken\)"),
        (200, b'{"results": [{"error": "too old"}]}', r"refuses a question \(too old\)"),
        (200, b'{"results": [{"series": [], "partial": true}]}', "it has too much to say"),
        (200, ONE[:-5], "not understood"),
        (200, b"[]", "not understood"),
        (200, b'{"results": [3]}', "not understood"),
    ],
)
def test_what_is_no_whole_answer_is_said(status: int, body: bytes, said: str) -> None:
    with pytest.raises(AnswerError, match=said):
        influxql.series(status, body)


def test_a_question_is_asked_by_its_path() -> None:
    assert influxql.path("a b", "SELECT 1") == "/query?db=a+b&epoch=ns&q=SELECT+1"
