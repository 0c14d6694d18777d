"""The broker's round trip: which step failed, said in a few words."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hems import loopback, mqtt
from hems.message import Message
from hems.mqtt import (
    Account,
    AccountRefused,
    Broker,
    BrokerError,
    Refused,
    deliver,
    greet,
    round_trip,
)

from tests.unit.certificates import site_and_server
from tests.unit.fake_broker import NOT_AUTHORISED, FakeBroker, listening

HEMS = Account("hems", "secret")
TOPIC = "hems/hems/round_trip"


def test_a_word_comes_back_and_the_messages_are_delivered() -> None:
    with listening(FakeBroker()) as broker:
        told = [Message("a/b", "one", retain=True), Message("c", b"two")]
        assert 0 < round_trip(Broker(broker.port), HEMS, TOPIC, told) < 5
        (topic, word, retained), *others = broker.messages
    assert topic == TOPIC and len(word) == 32 and not retained
    assert others == [("a/b", b"one", True), ("c", b"two", False)]


@pytest.mark.parametrize(
    ("broker", "kind", "words"),
    [
        (
            FakeBroker(connack=NOT_AUTHORISED),
            AccountRefused,
            "refuses account 'hems' (Not authorized)",
        ),
        (
            FakeBroker(suback=NOT_AUTHORISED),
            Refused,
            f"refuses a subscription to '{TOPIC}' (Not authorized)",
        ),
        (FakeBroker(puback=NOT_AUTHORISED), Refused, "refuses a message (Not authorized)"),
        (FakeBroker(mute=True), BrokerError, "does not answer: no message came back"),
    ],
)
def test_the_step_that_failed_is_named(
    broker: FakeBroker, kind: type[BrokerError], words: str
) -> None:
    with listening(broker), pytest.raises(BrokerError) as caught:
        round_trip(Broker(broker.port), HEMS, TOPIC, timeout=1)
    assert (type(caught.value), str(caught.value)) == (kind, words)
    assert HEMS.password not in repr(HEMS)


def test_a_broker_that_is_just_starting_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "RETRY_SECONDS", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(BrokerError, match="does not answer: Connection refused"):
        round_trip(Broker(port), HEMS, TOPIC, timeout=0.1, starting=True)
    with pytest.raises(BrokerError, match="does not answer: Connection refused"):
        round_trip(Broker(port), HEMS, TOPIC, timeout=60)

    tried: list[int] = []
    connect = mqtt.mqtt.Client.connect

    def third_time(client: mqtt.mqtt.Client, host: str, port: int, **more: Any) -> object:
        tried.append(port)
        if len(tried) < 3:
            raise ConnectionRefusedError(111, "Connection refused")
        return connect(client, host, port, **more)

    monkeypatch.setattr(mqtt.mqtt.Client, "connect", third_time)
    with listening(FakeBroker()) as broker:
        round_trip(Broker(broker.port), HEMS, TOPIC, timeout=10, starting=True)
    assert len(tried) == 3


def test_a_wrong_certificate_is_not_waited_for(tmp_path: Path) -> None:
    server = site_and_server(tmp_path, 30)
    right, wrong = (
        loopback.context(name, str(tmp_path / "ca.crt")) for name in ("cottage", "shed")
    )
    begin = time.monotonic()
    with listening(FakeBroker(), server) as broker:
        assert round_trip(Broker(broker.port, tls=right), HEMS, TOPIC) > 0
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            round_trip(Broker(broker.port, tls=wrong), HEMS, TOPIC, timeout=60, starting=True)
    assert time.monotonic() - begin < 30


def test_a_stranger_is_greeted_with_the_brokers_reason(tmp_path: Path) -> None:
    with listening(FakeBroker(connack=NOT_AUTHORISED)) as broker:
        reason, served = greet(Broker(broker.port))
    assert (reason.value, served) == (NOT_AUTHORISED, {})
    server = site_and_server(tmp_path, 30)
    tls = loopback.context("cottage", str(tmp_path / "ca.crt"))
    with listening(FakeBroker(connack=NOT_AUTHORISED), server) as broker:
        assert "notAfter" in greet(Broker(broker.port, tls=tls))[1]


def test_what_is_no_broker_is_told_from_one_that_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def hang_up() -> None:
            server.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises((ValueError, ConnectionError)):
            greet(Broker(port), timeout=5)
        with pytest.raises(TimeoutError):
            greet(Broker(port), timeout=0.2)


def test_messages_are_delivered_with_an_account_that_may_not_read() -> None:
    with listening(FakeBroker(suback=NOT_AUTHORISED)) as broker:
        deliver(Broker(broker.port), HEMS, [Message("a/b", "one", retain=True)], timeout=10)
    assert broker.messages == [("a/b", b"one", True)]
    with (
        listening(FakeBroker(puback=NOT_AUTHORISED)) as broker,
        pytest.raises(Refused, match="refuses a message"),
    ):
        deliver(Broker(broker.port), HEMS, [Message("a/b", "one")], timeout=10)
