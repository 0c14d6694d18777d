"""What one device account, or one host of the house's network, can do to the MQTT broker: bounded.

Each test prints its figures: tries, seconds, bytes, and what held.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.appliance.mqtt_client import NOT_AUTHORIZED, Broker, Client, Logins, published
from tests.appliance.waiting import wait_until

pytestmark = pytest.mark.journal("mosquitto", "hems-mqtt-limits", "hems-discovery")

DATABASE = "mosquitto.db"
CONNECTIONS = 60  # that one host tries to hold
GUESSING_SECONDS = 5.0
FLOOD_SECONDS, FLOOD_MESSAGES = 8.0, 100_000  # that a device goes on, whatever comes first
FLOOD_BYTES = 100_000  # of a large message
MESSAGES, BYTES = 200, 256 * 1024  # that an account may keep


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


@pytest.fixture
def another(run_module: Any, site: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Has another client, on the box, go through the port for devices."""
    return lambda: round_trip(run_module, site)


@pytest.fixture
def login(broker: Broker, secret: Callable[[str], str]) -> Iterator[Logins]:
    logins = Logins(broker, secret)
    yield logins
    logins.close()


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


def memory(pi: Any) -> int:
    """Return how many MB the broker takes."""
    pid = pi.check_output("systemctl show mosquitto.service --value --property=MainPID")
    return int(pi.check_output(f"grep VmRSS /proc/{pid}/status").split()[1]) // 1024


def restarts(pi: Any) -> int:
    """Return how often systemd has started the broker again."""
    return int(pi.check_output("systemctl show mosquitto.service --value --property=NRestarts"))


FLOODS = {
    "large": lambda at: (f"hems/bench/{at}", b"x" * FLOOD_BYTES),
    "many": lambda at: (f"hems/bench/{at}", b"x"),
    "deep": lambda at: (f"hems/bench/{at}/a/b/c/d/e", b"x"),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_device_keeps_its_share_in_the_broker_and_no_more(
    pi: Any, bench: Client, kind: str, another: Callable[[], dict[str, Any]], login: Logins
) -> None:
    before = restarts(pi)
    begun = time.monotonic()
    sent = bench.flood(map(FLOODS[kind], range(FLOOD_MESSAGES)), FLOOD_SECONDS)
    seconds = time.monotonic() - begun
    most = memory(pi)
    other = another()
    reader = login("home_assistant")

    def kept() -> list[int]:
        reader.messages.clear()
        reader.subscribe("hems/bench/#")
        reader.settle("homeassistant/status")
        return [len(topic) + len(payload) for topic, payload in reader.messages]

    wait_until(lambda: len(kept()) <= MESSAGES and sum(kept()) <= BYTES, 40, "it is taken out")
    print(
        f"{kind}: {sent} messages handed over in {seconds:.0f} s, the broker took {most} MB;"
        f" then it keeps {len(kept())} of {sum(kept())} bytes; another client meanwhile: {other}"
    )
    # Until the next count the broker's own limit on memory holds, and what it takes itself.
    assert most < 60, "MB"
    assert restarts(pi) == before
    assert "milliseconds" in other

    def named() -> list[str]:
        issues = json.loads(pi.file("/run/hems-discovery/issues.json").content_string)
        return [subject for code, subject, _ in issues if code == "mqtt_account_full"]

    wait_until(lambda: named() == ["bench"], 20, "the account is named")


def test_a_topic_has_a_few_levels(login: Logins) -> None:
    device = login("bench")
    assert published(device.publish("hems/bench/1/2/3/4/5/6", "x"))
    assert device.publish("hems/bench/1/2/3/4/5/6/7", "x") == NOT_AUTHORIZED


PYTHON = "/opt/hems/current/bin/python"  # the box's own, which has paho
FILL = """
import sys, paho.mqtt.client as mqtt
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "fill", reconnect_on_failure=False)
client.username_pw_set("bench", open(sys.argv[1]).read().strip())
gone = []
client.on_disconnect = lambda *_: gone.append(1)
client.connect("127.0.0.1", int(sys.argv[2]))
client.loop_start()
for at in range(900):
    if gone:
        break
    client.publish(f"hems/bench/{at}", b"x" * 100_000, 1, True).wait_for_publish(5)
print(at)
"""


def test_a_full_broker_starts_without_what_filled_it(
    pi: Any, run_module: Any, site: dict[str, Any], kept_database: str
) -> None:
    """From the box itself, where nothing is counted, and without who takes out what is too much."""
    password = f"{site['hems_path_secrets']}/mqtt_bench"
    pi.check_output("systemctl stop hems-discovery.service")
    try:
        fill = f"{PYTHON} -c {shlex.quote(FILL)} {password} {site['hems_port_mqtt']}"
        sent = int(pi.check_output(fill))
        print(f"{sent} messages of 100000 bytes, the broker takes {memory(pi)} MB")
        assert sent < 899 and memory(pi) < 100
        pi.check_output("systemctl restart mosquitto.service")
        assert "milliseconds" in round_trip(run_module, site)
        assert f"{DATABASE}.broken-" in pi.check_output(f"ls {kept_database}")
    finally:
        pi.check_output("systemctl start hems-discovery.service")
