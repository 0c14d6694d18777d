"""The broker's proof in a play: cause and cure in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hems.mqtt import BrokerError

from tests.unit.certificates import site_and_server
from tests.unit.fake_broker import NOT_AUTHORISED, FakeBroker, listening
from tests.unit.modules import load_module

module = load_module("roles/mosquitto/library/mqtt_round_trip.py")


def options(port: int, **changes: Any) -> dict[str, Any]:
    given = {"host": "127.0.0.1", "port": port, "ca_file": None, "username": "hems"}
    return {**given, "topic": "hems/hems/round_trip", "timeout": 2, **changes}


def test_the_time_is_told(tmp_path: Path) -> None:
    with listening(FakeBroker()) as broker:
        assert 0 < module.run(options(broker.port), "secret") < 2
    with listening(FakeBroker(), site_and_server(tmp_path, 30)) as broker:
        trusting = options(broker.port, ca_file=str(tmp_path / "ca.crt"))
        with pytest.raises(module.RoundTripError, match=r"not one for '127.0.0.1' .*IP address"):
            module.run(trusting, "secret")
        with pytest.raises(module.RoundTripError, match=r"The CA .*/gone can't be used .*role tls"):
            module.run({**trusting, "ca_file": str(tmp_path / "gone")}, "secret")


@pytest.mark.parametrize(
    ("broker", "words"),
    [
        (
            FakeBroker(connack=NOT_AUTHORISED),
            "refuses account 'hems' (Not authorized): run the whole playbook",
        ),
        (FakeBroker(suback=NOT_AUTHORISED), "(Not authorized): its ACL file has another rule"),
        (FakeBroker(puback=NOT_AUTHORISED), "(Not authorized): its ACL file has another rule"),
        (FakeBroker(mute=True), "no message came back: 'journalctl -u mosquitto' says why."),
    ],
)
def test_a_failure_has_its_cure(broker: FakeBroker, words: str) -> None:
    with listening(broker), pytest.raises(module.RoundTripError) as caught:
        module.run(options(broker.port), "secret")
    assert words in str(caught.value)
    assert isinstance(caught.value.__cause__, BrokerError)
