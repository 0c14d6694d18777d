"""The contract's comparison: same shape and words, other ids, tokens and times."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.contract.transcript import REAL_ONLY, Answer, Bindings, exchanges

JSON = "application/json; charset=utf-8"
OLD, NEW = "0123456789abcdef", "fedcba9876543210"


def recorded(body: Any, status: int = 200) -> dict[str, Any]:
    """Return a recorded answer."""
    return {"status": status, "content_type": JSON, "body": body}


def live(body: Any, status: int = 200, **headers: str) -> Answer:
    """Return a live answer."""
    return Answer(status, {"Content-Type": JSON, **headers}, json.dumps(body))


def test_ids_and_times_may_differ_and_stay_in_step() -> None:
    bindings = Bindings()
    old = recorded({"id": OLD, "self": f"/x/{OLD}", "at": "2026-11-22T04:37:11.6Z"})
    new = {"id": NEW, "self": f"/x/{NEW}", "at": "2027-01-01T00:00:00Z"}
    assert bindings.differences(old, live(new)) == []
    assert bindings.fill({"path": f"/y/{OLD}"}) == {"path": f"/y/{NEW}"}
    other = {**new, "self": f"/x/{OLD}"}
    assert bindings.differences(old, live(other)) == [f"body.self: '/x/{OLD}', not '/x/{NEW}'"]


def test_tokens_are_learnt_from_answers() -> None:
    bindings = Bindings({"<password>": "pass"})
    assert bindings.differences(recorded({"token": "<read-token>"}), live({"token": "abc=="})) == []
    wire = bindings.wire({"method": "GET", "path": "/", "auth": "token <read-token>"})
    assert wire.headers == {"Authorization": "Token abc=="}
    wire = bindings.wire({"method": "GET", "path": "/", "auth": "basic hems:<password>"})
    assert wire.headers == {"Authorization": "Basic aGVtczpwYXNz"}
    wire = bindings.wire({"method": "GET", "path": "/", "auth": "session <read-token>"})
    assert wire.headers == {"Cookie": "influxdb-oss-session=abc=="}


def test_bodies_and_parameters_are_sent_as_recorded() -> None:
    request = {
        "method": "POST",
        "path": "/write",
        "params": {"a": "b c"},
        "body": {"gzip": "m v=1"},
    }
    wire = Bindings().wire(request)
    assert wire.target == "/write?a=b+c"
    assert wire.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(wire.data or b"") == b"m v=1"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"a": 1}, {"b": 1}, "keys"),
        ({"a": [1, 2]}, {"a": [1]}, "1 elements, not 2"),
        ({"a": 1}, {"a": True}, "body.a"),
        ({"a": "x"}, {"a": "y"}, "'y', not 'x'"),
        ({"a": None}, {"a": []}, "body.a"),
    ],
)
def test_a_difference_is_told(old: Any, new: Any, words: str) -> None:
    (found, *_) = Bindings().differences(recorded(old), live(new))
    assert words in found


def test_a_list_that_goes_on_may_be_longer() -> None:
    assert Bindings().differences(recorded(["a", "…"]), live(["a", "b", "c"])) == []


def test_loose_parts_may_differ() -> None:
    old = recorded({"version": "v2.9.1", "name": "influxdb"})
    new = live({"version": "v3", "name": "influxdb"})
    assert Bindings().differences(old, new, frozenset({"body.version"})) == []


def test_status_type_and_error_code_count() -> None:
    old = {**recorded({}, 404), "headers": {"X-Platform-Error-Code": "not found"}}
    assert len(Bindings().differences(old, live({}))) == 3  # with what the server said
    ok = live({}, 404, **{"X-Platform-Error-Code": "not found"})
    assert Bindings().differences(old, ok) == []


def test_what_needs_a_real_server_has_a_name() -> None:
    assert {one["needs"] for one in exchanges() if "needs" in one} == set(REAL_ONLY)
