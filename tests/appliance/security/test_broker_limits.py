"""What one device account, or one host of the house's network, can do to the MQTT broker: bounded.

Each test prints its figures: tries, seconds, bytes, and what held.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.appliance.mqtt_client import NOT_AUTHORIZED, Broker, Client, published

pytestmark = pytest.mark.journal("mosquitto", "hems-mqtt-limits")

DATABASE = "mosquitto.db"
CONNECTIONS = 60  # that one host tries to hold
GUESSING_SECONDS = 5.0
FLOOD = 900  # messages of FLOOD_BYTES: more than the broker may have memory for
FLOOD_BYTES = 100_000


@pytest.fixture
def broker(pi: Any, door: Any, site: dict[str, Any]) -> Iterator[Broker]:
    """The broker as devices find it; what was counted of this host is forgotten at the end."""
    pi.check_output("systemctl reload hems-mqtt-limits.service")
    yield Broker(door.address, site["hems_port_mqtts"], door.ca)
    pi.check_output("systemctl reload hems-mqtt-limits.service")


@pytest.fixture
def kept_database(pi: Any, site: dict[str, Any]) -> Iterator[str]:
    """The broker's directory; what was retained before is there again at the end."""
    directory = site["hems_path_mosquitto"]
    notes = f"{site['hems_path_notes']}/mosquitto"
    pi.check_output(
        f"systemctl stop mosquitto; cp -a {directory}/{DATABASE} {directory}/kept;"
        f" rm -rf {notes}.kept; cp -a {notes} {notes}.kept; systemctl start mosquitto"
    )
    yield directory
    pi.check_output(
        f"systemctl stop mosquitto; mv {directory}/kept {directory}/{DATABASE};"
        f" rm -f {directory}/*.broken-*; cp -a {notes}.kept/. {notes}/; rm -rf {notes}.kept;"
        " systemctl reset-failed mosquitto; systemctl start mosquitto"
    )


@pytest.fixture
def bench(
    kept_database: str,  # noqa: ARG001 - the broker is restarted for it
    broker: Broker,
    secret: Callable[[str], str],
) -> Iterator[Client]:
    """A device's connection."""
    with Client(broker, "bench", secret("mqtt_bench")) as client:
        yield client


def round_trip(run_module: Any, site: dict[str, Any]) -> dict[str, Any]:
    """Have another client, on the box, go through the port for devices."""
    arguments = {
        "host": site["hems_hostname"],
        "port": site["hems_port_mqtts"],
        "ca_file": f"{site['hems_path_tls']}/ca.crt",
        "username": "hems",
        "password_file": f"{site['hems_path_secrets']}/mqtt_hems",
        "topic": "hems/hems/test",
        "timeout": 20,
    }
    result: dict[str, Any] = run_module("mqtt_round_trip", arguments)
    return result


def test_one_host_cannot_take_all_places(
    broker: Broker, run_module: Any, site: dict[str, Any]
) -> None:
    held: list[socket.socket] = []
    begun = time.monotonic()
    try:
        for _ in range(CONNECTIONS):
            with contextlib.suppress(OSError):
                held.append(socket.create_connection((broker.address, broker.port), timeout=2))
        seconds = time.monotonic() - begun
        other = round_trip(run_module, site)
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


def test_a_device_cannot_fill_the_brokers_memory_nor_its_next_start(
    pi: Any, bench: Client, run_module: Any, site: dict[str, Any], kept_database: str
) -> None:
    show = "systemctl show mosquitto.service --value --property"
    before = pi.check_output(f"{show}=NRestarts")
    begun, sent = time.monotonic(), 0
    with contextlib.suppress(queue.Empty):  # it is thrown out, and then hears no answer
        while sent < FLOOD and bench.disconnected.empty():
            bench.publish(f"hems/bench/{sent}", b"x" * FLOOD_BYTES, retain=True)
            sent += 1
    seconds = time.monotonic() - begun
    pid = pi.check_output(f"{show}=MainPID")
    memory = int(pi.check_output(f"grep VmRSS /proc/{pid}/status").split()[1]) // 1024
    print(
        f"{sent} messages of {FLOOD_BYTES} bytes in {seconds:.1f} s; the broker takes {memory} MB"
    )
    assert sent < FLOOD and memory < 100
    # Without memory for another client it may end; its next start is without the flood.
    assert int(pi.check_output(f"{show}=NRestarts")) - int(before) <= 1
    pi.check_output("systemctl restart mosquitto.service")
    assert "milliseconds" in round_trip(run_module, site)
    aside = pi.check_output(f"ls {kept_database}")
    print(f"after its next start: {aside.split()}")
    assert f"{DATABASE}.broken-" in aside
