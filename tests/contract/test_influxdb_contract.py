"""What the appliance relies on is what a real InfluxDB 2 does, whichever server is under it.

The stand-in is tested, unless a fresh real server is named: `make contract INFLUXDB_URL=http://…`.
"""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest

from tests.contract.server import Server
from tests.contract.transcript import REAL_ONLY, Bindings, exchanges

RECORDED = exchanges()
SECRETS = {
    "<operator-token>": "Operator-token_0123456789=",
    "<password>": "First1password",
    "<new-password>": "Second2password",
    "<weak-password>": "onlysmallletters",
}
NOT_HERE = 501


def play(server: Server, exchange: dict[str, Any], bindings: Bindings) -> list[str]:
    """Return in what the live answer differs from the recorded one; asks again while it may."""
    deadline = time.monotonic() + exchange.get("within", 0)
    loose = frozenset(exchange.get("loose", []))
    while True:
        tried = copy.deepcopy(bindings)
        answer = server.send(tried.wire(exchange["request"]))
        if exchange.get("needs") and answer.status == NOT_HERE:
            words = answer.body["message"]
            return [] if "real InfluxDB 2" in words else [f"501 without a reason: {words}"]
        found = tried.differences(exchange["response"], answer, loose)
        if not found or time.monotonic() >= deadline:
            bindings.live.update(tried.live)
            return found
        time.sleep(0.5)


@pytest.fixture(scope="session")
def played(server: Server) -> dict[str, list[str]]:
    """Every exchange's differences: they build on one another, so all are made, in order."""
    bindings = Bindings(dict(SECRETS))
    return {one["name"]: play(server, one, bindings) for one in RECORDED}


@pytest.mark.parametrize("exchange", RECORDED, ids=[one["name"] for one in RECORDED])
def test_the_answer_is_the_recorded_one(
    exchange: dict[str, Any], played: dict[str, list[str]], server: Server
) -> None:
    assert played[exchange["name"]] == []
    if server.is_standin and "needs" in exchange:
        pytest.skip(f"not tested: {REAL_ONLY[exchange['needs']]}, which needs a real InfluxDB 2")


def test_names_are_used_once() -> None:
    names = [one["name"] for one in RECORDED]
    assert len(names) == len(set(names))
