"""The readers' connection to the broker, with the account that Linkys are published by."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from hems.linky.announce import ACCOUNT, OFFLINE, ONLINE, Message, status_topic
from hems.loopback import LOOPBACK

CREDENTIAL = f"mqtt_{ACCOUNT}"
KEEPALIVE_SECONDS = 30
RECONNECT_SECONDS = (1, 30)  # first and longest pause


class Publisher:
    """Publishes, and comes back by itself when the broker was away.

    Nothing is queued meanwhile: a reading that arrives late would be stored under the wrong time,
    and the meter's counter carries the energy anyway. ``retained`` is asked for what Home Assistant
    must know after every connection; ``say`` takes a line for the journal.
    """

    def __init__(
        self,
        reader: str,
        password: str,
        retained: Callable[[], Iterable[Message]],
        say: Callable[[str], None],
        on_ready: Callable[[], object] = lambda: None,
    ) -> None:
        self._retained, self._say, self._on_ready = retained, say, on_ready
        self._connected = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, f"{ACCOUNT}-{reader}", protocol=mqtt.MQTTv5
        )
        self._client.username_pw_set(ACCOUNT, password)
        self._client.will_set(status_topic(), OFFLINE, qos=1, retain=True)
        self._client.reconnect_delay_set(*RECONNECT_SECONDS)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect

    def start(self, port: int) -> None:
        """Connect in the background, for as long as it takes."""
        self._client.connect_async(LOOPBACK, port, KEEPALIVE_SECONDS)
        self._client.loop_start()

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted this account."""
        return self._connected.is_set()

    def send(self, messages: Sequence[Message]) -> bool:
        """Hand messages over to the broker; False while it is away."""
        if not self.connected:
            return False
        for message in messages:
            self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        return True

    def deliver(self, messages: Sequence[Message], seconds: float) -> bool:
        """Publish and wait for the broker's receipts, at most so long for each."""
        sent = [self._client.publish(one.topic, one.payload, 1, one.retain) for one in messages]
        with suppress(RuntimeError, ValueError):  # the broker is away
            for info in sent:
                info.wait_for_publish(seconds)
        return all(info.is_published() for info in sent)

    def close(self) -> None:
        """Say that the reader is gone, and disconnect."""
        if self.connected:
            last = self._client.publish(status_topic(), OFFLINE, qos=1, retain=True)
            with suppress(RuntimeError, ValueError):  # the broker went: its last will says it
                last.wait_for_publish(2.0)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, client: Any, _data: Any, _flags: Any, reason: Any, _more: Any = None
    ) -> None:
        if reason.is_failure:
            self._say(
                f"The broker refuses the account '{ACCOUNT}' ({reason}): run the whole playbook."
            )
            return
        for message in self._retained():
            client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        client.publish(status_topic(), ONLINE, qos=1, retain=True)
        self._connected.set()
        self._on_ready()

    def _on_disconnect(
        self, _client: Any, _data: Any, _flags: Any, reason: Any, _more: Any = None
    ) -> None:
        if self._connected.is_set() and reason.is_failure:
            self._say(f"The broker is down ({reason}): readings are not sent until it is back.")
        self._connected.clear()
