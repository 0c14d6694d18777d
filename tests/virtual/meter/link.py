"""The meter's connection to the broker: MQTT over TLS with its own account."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.virtual.meter.discovery import (
    OFFLINE,
    ONLINE,
    Message,
    announcement,
    farewell,
    state,
    status_topic,
)
from tests.virtual.meter.pulses import Reading

KEEPALIVE_SECONDS = 20
RECONNECT_SECONDS = (1, 10)  # first and longest pause


class LinkError(Exception):
    """The broker can't be used; its text is one sentence."""


class Link:
    """A connection that announces the device each time it is made, and comes back by itself.

    QoS 1 throughout. While the broker is away nothing is queued: a reading that arrives late would
    be stored under the wrong time, and the meter's counter carries the energy anyway.

    "online" follows the first reading of a connection. Before it, Home Assistant would take the
    value that it remembers from the connection before for a new one, and store it.
    """

    def __init__(
        self, account: str, password: str, ca: Path | None, tell: Callable[[str], None] = print
    ) -> None:
        self.account = account
        self._tell = tell
        self._connected = threading.Event()
        self._answered = threading.Event()
        self._refusal = ""
        self._online = False
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, f"hems-{account}-meter", protocol=mqtt.MQTTv311
        )
        self._client.username_pw_set(account, password)
        self._client.will_set(status_topic(account), OFFLINE, qos=1, retain=True)
        self._client.reconnect_delay_set(*RECONNECT_SECONDS)
        if ca is not None:
            self._client.tls_set(ca_certs=str(ca), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect

    def open(self, host: str, port: int, timeout: float) -> None:
        """Connect and announce the device, trying for ``timeout`` seconds while nobody listens.

        Raises LinkError.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._client.connect(host, port, KEEPALIVE_SECONDS)
            except ssl.SSLCertVerificationError as error:
                message = f"The broker's certificate is not trusted: {error.verify_message}."
                raise LinkError(message) from error
            except OSError as error:
                if time.monotonic() + RECONNECT_SECONDS[0] >= deadline:
                    message = f"The broker does not answer at {host}:{port}: {error}."
                    raise LinkError(message) from error
                time.sleep(RECONNECT_SECONDS[0])
            else:
                break
        self._client.loop_start()
        self._answered.wait(max(RECONNECT_SECONDS[0], deadline - time.monotonic()))
        if not self.connected:
            self.close()
            raise LinkError(self._refusal or f"The broker at {host}:{port} is silent.")

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    def send(self, messages: Iterable[Message], timeout: float = 10.0) -> bool:
        """Publish and wait for the broker's receipts; False when the broker is away.

        A message that was under way when the connection broke is sent again after it.
        """
        sent = []
        for message in messages:
            if not self.connected:
                return False
            sent.append(
                self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            )
        for info in sent:
            try:
                info.wait_for_publish(timeout)
            except (RuntimeError, ValueError):
                return False  # the connection went between the check and the publishing
        return all(info.is_published() for info in sent)

    def report(self, reading: Reading) -> bool:
        """Send one reading; False when the broker is away."""
        messages = state(self.account, reading)
        if not self._online:
            messages.append(Message(status_topic(self.account), ONLINE, retain=True))
        sent = self.send(messages)
        self._online = sent
        return sent

    def close(self, *, withdraw: bool = False) -> None:
        """Disconnect, as a device that is off, or one that Home Assistant shall forget."""
        if self.connected:
            offline = [Message(status_topic(self.account), OFFLINE, retain=True)]
            self.send(farewell(self.account) if withdraw else offline)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._refusal = f"The broker refused account '{self.account}': {reason}."
            self._tell(self._refusal)
            self._answered.set()
            return
        self._online = False
        for message in announcement(self.account):
            client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        self._tell(f"Meter '{self.account}' is connected to the broker.")
        self._connected.set()
        self._answered.set()

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        was_connected = self._connected.is_set()
        self._connected.clear()
        if was_connected and reason.is_failure:
            self._tell(f"Meter '{self.account}' has lost the broker ({reason}) and tries again.")
