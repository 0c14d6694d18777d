"""The broker's round trip with the box's own account, and the box's messages to Home Assistant."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from hems.health.announce import ACCOUNT, Message, Outbox
from hems.probes import LOOPBACK, TIMEOUT_SECONDS
from hems.watchdog.core import ProbeResult

TOPIC = f"hems/{ACCOUNT}/round_trip"


class _Trip:
    """One round trip as paho's callbacks: connect, subscribe, publish, hear, then the messages."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.outcome: queue.SimpleQueue[ProbeResult] = queue.SimpleQueue()
        self._messages = messages
        self._word = uuid.uuid4().hex.encode()
        self._open: set[int] = set()  # message ids without a PUBACK
        self._heard = False

    def on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        """CONNACK."""
        if reason.is_failure:
            self.outcome.put(
                ProbeResult(False, f"refuses account '{ACCOUNT}' ({reason})", curable=False)
            )
            return
        client.subscribe(TOPIC, qos=1)

    def on_subscribe(self, client: Any, _data: Any, _mid: Any, reasons: Any, _more: Any) -> None:
        """SUBACK."""
        if any(reason.is_failure for reason in reasons):
            self.outcome.put(
                ProbeResult(False, f"refuses a subscription ({reasons[0]})", curable=False)
            )
            return
        for message in (Message(TOPIC, self._word), *self._messages):
            sent = client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            self._open.add(sent.mid)

    def on_publish(self, _client: Any, _data: Any, mid: Any, reason: Any, _more: Any) -> None:
        """PUBACK."""
        if reason.is_failure:
            self.outcome.put(ProbeResult(False, f"refuses a message ({reason})", curable=False))
            return
        self._open.discard(mid)
        self._finish()

    def on_message(self, _client: Any, _data: Any, message: Any) -> None:
        """PUBLISH."""
        if message.payload == self._word:
            self._heard = True
            self._finish()

    def _finish(self) -> None:
        if self._heard and not self._open:
            self.outcome.put(ProbeResult(True, "answers"))


def round_trip(
    port: int, password: str, messages: Sequence[Message] = (), timeout: float = TIMEOUT_SECONDS
) -> ProbeResult:
    """Publish a word, hear it again, and deliver ``messages``; ``timeout`` in seconds."""
    deadline = time.monotonic() + timeout
    trip = _Trip(messages)
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        f"hems-watchdog-{uuid.uuid4().hex[:8]}",
        protocol=mqtt.MQTTv5,
        reconnect_on_failure=False,
    )
    client.username_pw_set(ACCOUNT, password)
    client.connect_timeout = timeout
    client.on_connect = trip.on_connect
    client.on_subscribe = trip.on_subscribe
    client.on_publish = trip.on_publish
    client.on_message = trip.on_message
    try:
        client.connect(LOOPBACK, port, keepalive=30)
    except OSError as error:
        return ProbeResult(False, f"does not answer: {error.strerror or error}")
    client.loop_start()
    try:
        return trip.outcome.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        return ProbeResult(False, "does not answer: no message came back")
    finally:
        client.disconnect()
        client.loop_stop()


def tell(port: int, password: str, outbox: Outbox) -> ProbeResult:
    """Do a round trip that delivers what is due to be told of the box."""
    now = time.monotonic()
    messages = outbox.due(now)
    result = round_trip(port, password, messages)
    if result.ok:
        outbox.delivered(messages, now)
    return result
