"""The broker: who may come in, and who may say and hear what."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.appliance.mqtt_client import NOT_AUTHORIZED, Broker, Client, Logins, published

OWN = ["home_assistant", "hems", "discovery", "linky"]  # the box's accounts
pytestmark = pytest.mark.journal("mosquitto")

PASSWORD_FILE = "/etc/mosquitto/hems.passwd"


@pytest.fixture(autouse=True)
def fresh_count(pi: Any) -> None:
    """These tests connect more often in a minute than one address may: each begins anew."""
    pi.check_output("systemctl reload hems-mqtt-limits.service")


@pytest.fixture
def broker(door: Any, site: dict[str, Any]) -> Broker:
    return Broker(door.address, site["hems_port_mqtts"], door.ca)


@pytest.fixture
def login(broker: Broker, secret: Callable[[str], str]) -> Iterator[Logins]:
    logins = Logins(broker, secret)
    yield logins
    logins.close()


def test_nobody_comes_in_without_the_right_password(broker: Broker, secret: Any) -> None:
    with Client(broker, None) as anonymous:
        assert anonymous.connected == NOT_AUTHORIZED
    with Client(broker, "bench", "wrong") as wrong:
        assert wrong.connected == NOT_AUTHORIZED
    with Client(broker, "meter", secret("mqtt_bench")) as other:
        assert other.connected == NOT_AUTHORIZED
    with Client(broker, "nobody", "nothing") as unknown:
        assert unknown.connected == NOT_AUTHORIZED


def test_every_account_comes_in_with_its_own(login: Logins, site: dict[str, Any]) -> None:
    for account in [*OWN, *site["hems_mqtt_devices"]]:
        login(account)


@pytest.mark.parametrize(("device", "other"), [("bench", "meter"), ("meter", "bench")])
def test_a_device_writes_its_own_topics_and_no_others(
    login: Logins, device: str, other: str
) -> None:
    listener = login("home_assistant")
    listener.subscribe("hems/#", "homeassistant/#", "vetted/#")
    listener.messages.clear()  # what was retained
    client = login(device)
    word = uuid.uuid4().hex
    own = [f"hems/{device}/test/{word}", f"homeassistant/sensor/{device}/{word}/config"]
    assert all(published(client.publish(topic, "")) for topic in own)
    foreign = [
        f"hems/{other}/test/{word}",
        f"hems/hems/{word}",
        f"hems/{word}",
        "hems",
        f"homeassistant/sensor/{other}/{word}/config",
        f"vetted/sensor/{device}/{word}/config",
        f"homeassistant/sensor/{device}/config",
        f"homeassistant/sensor/{device}/{word}/state",
        f"homeassistant/sensor/{device}/{word}/deep/config",
        "homeassistant/status",
        f"$SYS/{word}",
        word,
    ]
    assert [client.publish(topic, "x") for topic in foreign] == [NOT_AUTHORIZED] * len(foreign)
    heard = [topic for topic, _ in listener.settle("homeassistant/status") if word in topic]
    # Of its discovery, nothing before it is vetted.
    assert heard == own[:1]


@pytest.mark.parametrize(("device", "other"), [("bench", "meter"), ("meter", "bench")])
def test_a_device_hears_nothing(login: Logins, device: str, other: str) -> None:
    speaker, assistant, client = login(other), login("home_assistant"), login(device)
    assert published(speaker.publish(f"hems/{other}/kept", "kept", retain=True))
    # Mosquitto 2.0 grants any subscription and checks each message instead.
    client.subscribe(
        "#", f"hems/{other}/#", f"hems/{device}/#", "homeassistant/#", "vetted/#", "$SYS/#"
    )
    assert published(speaker.publish(f"hems/{other}/test", "x"))
    assert published(assistant.publish("vetted/test", "x"))
    assert client.settle(f"hems/{device}/test") == []
    speaker.publish(f"hems/{other}/kept", "", retain=True)


def test_hems_hears_itself_alone(login: Logins) -> None:
    hems, device = login("hems"), login("bench")
    hems.subscribe("#", "$SYS/#")
    hems.messages.clear()
    device.publish("hems/bench/test", "x")
    hems.publish("hems/hems/test", "own")
    heard = [topic for topic, _ in hems.settle("hems/hems/end")]
    assert "hems/hems/test" in heard
    # The watchdog speaks by this account too.
    assert [topic for topic in heard if not topic.startswith("hems/hems/")] == []
    assert hems.publish("hems/bench/test", "x") == NOT_AUTHORIZED
    assert hems.publish("homeassistant/status", "x") == NOT_AUTHORIZED
    assert hems.publish("vetted/sensor/bench/power/config", "x") == NOT_AUTHORIZED


def test_home_assistant_speaks_discovery_and_not_for_devices(login: Logins) -> None:
    assistant = login("home_assistant")
    assert published(assistant.publish("homeassistant/status", "x"))
    assert assistant.publish("hems/bench/test", "x") == NOT_AUTHORIZED


def test_plain_mqtt_is_for_the_box_alone(broker: Broker, site: dict[str, Any]) -> None:
    with pytest.raises((ConnectionRefusedError, TimeoutError)):  # the firewall answers nobody
        socket.create_connection((broker.address, site["hems_port_mqtt"]), timeout=5)
    connect = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x0a\x00\x04test"
    with socket.create_connection((broker.address, broker.port), timeout=5) as plain:
        plain.sendall(connect)
        with contextlib.suppress(ConnectionResetError):
            assert not plain.recv(4).startswith(b"\x20"), "MQTT without TLS was answered"


def handshake(broker: Broker, context: ssl.SSLContext) -> str | None:
    """Shake hands and return the protocol's version."""
    with (
        socket.create_connection((broker.address, broker.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=broker.address) as client,
    ):
        return client.version()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_is_verified_by_the_sites_ca(broker: Broker, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(broker.ca))
    context.minimum_version = context.maximum_version = version
    assert handshake(broker, context) == version.name.replace("_", ".")
    strangers = ssl.create_default_context()
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(broker, strangers)


def test_tls_1_2_offers_authenticated_encryption_alone(broker: Broker) -> None:
    context = ssl.create_default_context(cafile=str(broker.ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    kinds = {name: ("GCM" in name or "POLY1305" in name) for name in offered(broker, context)}
    print(f"port {broker.port} takes of TLS 1.2: {sorted(kinds)}")
    assert kinds and all(kinds.values()), kinds


def offered(broker: Broker, context: ssl.SSLContext) -> list[str]:
    """Return the suites of TLS 1.2 that the broker takes when it is offered one at a time."""
    taken = []
    for suite in {cipher["name"] for cipher in context.get_ciphers()} | {
        "ECDHE-ECDSA-AES256-SHA384",
        "ECDHE-ECDSA-AES128-SHA256",
        "ECDHE-ECDSA-AES256-SHA",
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-CCM8",
    }:
        with contextlib.suppress(ssl.SSLError, ConnectionResetError):
            context.set_ciphers(f"{suite}:@SECLEVEL=0")
            handshake(broker, context)
            taken.append(suite)
    return taken


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(broker: Broker) -> None:
    context = ssl.create_default_context(cafile=str(broker.ca))
    context.set_ciphers("ALL:@SECLEVEL=0")  # else this side would refuse it already
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        handshake(broker, context)


def test_a_packet_can_be_too_large(login: Logins) -> None:
    client = login("bench")
    assert published(client.publish("hems/bench/test", b"x" * 100_000))
    client._paho.publish("hems/bench/test", b"x" * 140_000, qos=1)
    assert client.disconnected.get(timeout=10) != 0


@pytest.fixture
def keep_accounts(
    pi: Any, run_module: Any, site: dict[str, Any]
) -> Iterator[Callable[[list[str]], list[str]]]:
    """Keeps only the given accounts, as the role does, and returns those that changed."""
    everyone = [*OWN, *site["hems_mqtt_devices"]]

    def keep(accounts: list[str]) -> list[str]:
        users = {name: f"{site['hems_path_secrets']}/mqtt_{name}" for name in accounts}
        arguments = {"path": PASSWORD_FILE, "users": users}
        changed: list[str] = run_module("password_file", arguments)["users"]
        pi.check_output("systemctl reload mosquitto.service")
        return changed

    yield keep
    keep(everyone)
    time.sleep(1)  # the broker reads its files on its next turn


def test_an_account_that_is_taken_out_is_thrown_out(
    broker: Broker, login: Logins, secret: Any, keep_accounts: Any
) -> None:
    stays, goes = login("meter"), login("bench")
    assert keep_accounts([*OWN, "meter"]) == ["bench"]
    assert goes.disconnected.get(timeout=10) != 0
    with Client(broker, "bench", secret("mqtt_bench")) as again:
        assert again.connected == NOT_AUTHORIZED
    assert published(stays.publish("hems/meter/test", "x")), "the others stay connected"
