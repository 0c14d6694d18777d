"""What one host of the house's network can do to the MQTT broker: bounded.

Each test prints its figures: tries, seconds, and what held.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.appliance.mqtt_client import NOT_AUTHORIZED, Broker, Client, Logins, published

pytest_plugins = ["tests.appliance.security.broker_fixtures"]
pytestmark = pytest.mark.journal("mosquitto", "hems-mqtt-limits")

CONNECTIONS = 60  # that one host tries to hold
GUESSING_SECONDS = 5.0


def test_one_host_cannot_take_all_places(
    broker: Broker, another: Callable[[], dict[str, Any]]
) -> None:
    held: list[socket.socket] = []
    begun = time.monotonic()
    try:
        for _ in range(CONNECTIONS):
            with contextlib.suppress(OSError):
                held.append(socket.create_connection((broker.address, broker.port), timeout=2))
        seconds = time.monotonic() - begun
        other = another()
    finally:
        for one in held:
            one.close()
    print(f"{CONNECTIONS} connections tried in {seconds:.1f} s, {len(held)} held; other: {other}")
    assert 5 <= len(held) <= 20
    assert "milliseconds" in other


def test_passwords_are_not_guessed_fast(broker: Broker) -> None:
    answered = tried = 0
    deadline = time.monotonic() + GUESSING_SECONDS
    while time.monotonic() < deadline:
        tried += 1
        with contextlib.suppress(OSError):
            plain = socket.create_connection((broker.address, broker.port), timeout=0.5)
            plain.close()
            answered += 1
    print(f"{tried} tries in {GUESSING_SECONDS:.0f} s, {answered} were let through to TLS")
    # A minute's 60 at once, then one a second; fewer where the broker is slow to let go of the last
    # 20, which is the other bound.
    assert 20 <= answered <= 75


def test_a_wrong_password_is_refused_as_ever(broker: Broker) -> None:
    with Client(broker, "bench", "wrong") as wrong:
        assert wrong.connected == NOT_AUTHORIZED


def test_nobody_is_thrown_out_by_another_accounts_client_with_its_id(
    broker: Broker, secret: Callable[[str], str]
) -> None:
    with (
        Client(broker, "meter", secret("mqtt_meter"), client_id="the-same") as first,
        Client(broker, "bench", secret("mqtt_bench"), client_id="the-same") as second,
    ):
        assert (first.connected, second.connected) == (0, 0)
        assert published(first.publish("hems/meter/test", "x"))
        assert published(second.publish("hems/bench/test", "x"))
        assert first.disconnected.empty()


def test_a_topic_has_a_few_levels(login: Logins) -> None:
    device = login("bench")
    assert published(device.publish("hems/bench/1/2/3/4/5/6", "x"))
    assert device.publish("hems/bench/1/2/3/4/5/6/7", "x") == NOT_AUTHORIZED
