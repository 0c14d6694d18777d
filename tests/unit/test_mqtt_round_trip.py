"""The broker's proof: which step failed, said in one sentence."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.unit.modules import load_module

module = load_module("roles/mosquitto/library/mqtt_round_trip.py")


@dataclass(frozen=True)
class Reason:
    """paho's ReasonCode, as far as the callbacks look at it."""

    words: str = "Success"

    @property
    def is_failure(self) -> bool:
        return self.words != "Success"

    def __str__(self) -> str:
        return self.words


@dataclass
class Client:
    """Notes what was asked for."""

    subscribed: list[str] = field(default_factory=list)
    published: list[tuple[str, bytes]] = field(default_factory=list)

    def subscribe(self, topic: str, qos: int) -> None:
        assert qos == 1
        self.subscribed.append(topic)

    def publish(self, topic: str, payload: bytes, qos: int) -> None:
        assert qos == 1
        self.published.append((topic, payload))


@dataclass(frozen=True)
class Message:
    payload: bytes


@pytest.fixture
def trip() -> Any:
    return module.RoundTrip("hems", "hems/hems/round_trip")


def outcome(trip: Any) -> Any:
    return None if trip.outcome.empty() else trip.outcome.get()


def test_the_steps_follow_each_other_and_the_own_word_ends_it(trip: Any) -> None:
    client = Client()
    trip.on_connect(client, None, None, Reason(), None)
    assert client.subscribed == ["hems/hems/round_trip"]
    assert client.published == [], "not before the broker has the subscription"
    trip.on_subscribe(client, None, 1, [Reason()], None)
    (topic, word), *more = client.published
    assert topic == "hems/hems/round_trip" and not more
    trip.on_publish(client, None, 1, Reason(), None)
    trip.on_message(client, None, Message(b"somebody else's"))
    assert outcome(trip) is None
    trip.on_message(client, None, Message(word))
    assert outcome(trip) < 5


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("connect", "The broker refused account 'hems' (Not authorized): run the whole playbook"),
        (
            "subscribe",
            "Account 'hems' may not subscribe to 'hems/hems/round_trip' (Not authorized)",
        ),
        ("publish", "Account 'hems' may not publish to 'hems/hems/round_trip' (Not authorized)"),
    ],
)
def test_a_refusal_names_its_step(trip: Any, step: str, said: str) -> None:
    refused = Reason("Not authorized")
    reason = [refused] if step == "subscribe" else refused
    getattr(trip, f"on_{step}")(Client(), None, 1, reason, None)
    assert outcome(trip).startswith(said)


class Connection:
    """A client that fails to connect so many times."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def connect(self, _host: str, _port: int, **_: int) -> None:
        if self.errors:
            raise self.errors.pop(0)


def test_a_broker_that_is_just_starting_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    connection = Connection(ConnectionRefusedError(111, "Connection refused"), TimeoutError())
    module.connect(connection, "pi", 1, time.monotonic() + 5)
    assert connection.errors == []


def test_a_broker_that_never_comes_is_named() -> None:
    refused = ConnectionRefusedError(111, "Connection refused")
    with pytest.raises(
        module.RoundTripError, match=r"does not answer at pi:1 .*Connection refused"
    ):
        module.connect(Connection(refused), "pi", 1, time.monotonic())


def test_a_wrong_certificate_is_not_waited_for() -> None:
    wrong = ssl.SSLCertVerificationError(1, "certificate verify failed: Hostname mismatch")
    with pytest.raises(module.RoundTripError, match=r"not one for 'pi' .*Hostname mismatch"):
        module.connect(Connection(wrong), "pi", 1, time.monotonic() + 60)
