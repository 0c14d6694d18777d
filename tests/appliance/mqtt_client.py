"""An MQTT client for tests: every answer of the broker is seen, and nothing is tried twice."""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

TIMEOUT_SECONDS = 10.0
NOT_AUTHORIZED = 0x87  # MQTT 5, section 2.4


@dataclass(frozen=True)
class Broker:
    """Where devices in the house find the broker."""

    address: str
    port: int
    ca: Path


class Client:
    """One connection over TLS with MQTT 5, whose reason codes tell a refusal from silence."""

    def __init__(
        self, broker: Broker, username: str | None, password: str = "", client_id: str = ""
    ) -> None:
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.messages: list[tuple[str, bytes]] = []
        self.disconnected: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._paho = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id or f"hems-test-{uuid.uuid4().hex[:8]}",
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        if username is not None:
            self._paho.username_pw_set(username, password)
        self._paho.tls_set(ca_certs=str(broker.ca), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self._paho.on_connect = lambda _c, _d, _f, reason, _p: self._answers.put(reason.value)
        self._paho.on_publish = lambda _c, _d, _m, reason, _p: self._answers.put(reason.value)
        self._paho.on_subscribe = lambda _c, _d, _m, reasons, _p: self._answers.put(
            [reason.value for reason in reasons]
        )
        self._paho.on_message = lambda _c, _d, message: self.messages.append(
            (message.topic, bytes(message.payload))
        )
        self._paho.on_disconnect = lambda _c, _d, _f, reason, _p: self.disconnected.put(
            reason.value
        )
        self._paho.connect(broker.address, broker.port, keepalive=30)
        self._paho.loop_start()
        self.connected: int = self._answer()  # the reason code of CONNACK

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()

    def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> int:
        """Publish with QoS 1 and return PUBACK's reason code (16: nobody has subscribed)."""
        self._paho.publish(topic, payload, qos=1, retain=retain)
        code: int = self._answer()
        return code

    def subscribe(self, *topics: str) -> list[int]:
        """Subscribe with QoS 1 and return SUBACK's reason codes."""
        self._paho.subscribe([(topic, SubscribeOptions(qos=1)) for topic in topics])
        codes: list[int] = self._answer()
        return codes

    def settle(self, topic: str) -> list[tuple[str, bytes]]:
        """Return what has been heard so far.

        The broker hands out messages in the order in which it took them: once it has answered a
        publication of ours, whatever was published before is here.
        """
        self.publish(topic, b"")
        return list(self.messages)

    def _answer(self) -> Any:
        return self._answers.get(timeout=TIMEOUT_SECONDS)


def flood(
    broker: Broker, login: tuple[str, str], messages: Iterable[tuple[str, bytes]], seconds: float
) -> int:
    """Publish, retained, as fast as the network takes it and for so long at most.

    Many messages share a TLS record and none is answered (MQTT 3.1.1, QoS 0). Return how many went;
    fewer may have arrived. ``login`` is an account and its password.
    """
    deadline, sent = time.monotonic() + seconds, 0
    context = ssl.create_default_context(cafile=str(broker.ca))
    plain = socket.create_connection((broker.address, broker.port), TIMEOUT_SECONDS)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)  # little lies here unsent
    with context.wrap_socket(plain, server_hostname=broker.address) as client:
        said = [_field(text.encode()) for text in ("flood", *login)]
        client.sendall(_packet(0x10, _field(b"MQTT") + b"\x04\xc2\x00\x3c" + b"".join(said)))
        assert client.recv(4) == b"\x20\x02\x00\x00", "CONNACK"
        with contextlib.suppress(TimeoutError, ConnectionError, ssl.SSLError):
            every = (_packet(0x31, _field(to.encode()) + text) for to, text in messages)
            while packets := list(itertools.islice(every, 300)):
                client.settimeout(max(deadline - time.monotonic(), 0.001))
                client.sendall(b"".join(packets))
                sent += len(packets)
    return sent


def _field(content: bytes) -> bytes:
    return len(content).to_bytes(2) + content


def _packet(kind: int, content: bytes) -> bytes:
    """Return an MQTT packet; its length comes in groups of seven bits (section 2.2.3)."""
    length, rest = bytearray(), len(content)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([kind, *length, rest]) + content


def published(code: int) -> bool:
    """Tell whether a publication was taken: 0, or 16 when nobody has subscribed to it."""
    return code in (0, 16)


class Logins:
    """Connects as accounts of the box, and disconnects all of them at the end."""

    def __init__(self, broker: Broker, secret: Callable[[str], str]) -> None:
        self._broker = broker
        self._secret = secret
        self._clients: list[Client] = []

    def __call__(self, account: str) -> Client:
        """Return a connection of the account."""
        client = Client(self._broker, account, self._secret(f"mqtt_{account}"))
        self._clients.append(client)
        assert client.connected == 0, account
        return client

    def close(self) -> None:
        """Disconnect."""
        for client in self._clients:
            client.__exit__()
