"""The MQTT broker: greeted without an account, or proven by a message that comes back."""

from __future__ import annotations

import ssl
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from hems import HemsError
from hems.loopback import LOOPBACK, TIMEOUT_SECONDS
from hems.message import Message

RETRY_SECONDS = 0.5  # between two tries to connect
LATE = "timed out"


@dataclass(frozen=True)
class Account:
    """Who connects."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Broker:
    """Where it listens; with ``tls``, by that."""

    port: int
    host: str = LOOPBACK
    tls: ssl.SSLContext | None = None


class BrokerError(HemsError):
    """The broker does not answer, or not with the message. The text goes on after "the broker"."""


class Refused(BrokerError):
    """It answers, and refuses."""


class AccountRefused(Refused):
    """It does not let the account in."""


def greet(broker: Broker, timeout: float = TIMEOUT_SECONDS) -> tuple[ReasonCode, dict[str, Any]]:
    """Connect without an account; return what the broker says and the certificate it showed.

    Raises OSError when nobody answers in time, ValueError when the answer isn't MQTT.
    """
    deadline = time.monotonic() + timeout
    client, said = _client(broker, "hems-greeting", timeout), list[ReasonCode]()
    client.on_connect = lambda _client, _data, _flags, reason, _more: said.append(reason)
    client.connect(broker.host, broker.port)
    try:
        shown = client.socket()
        served = shown.getpeercert() if isinstance(shown, ssl.SSLSocket) else None
        while not said:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(LATE)
            if client.loop(left) != mqtt.MQTT_ERR_SUCCESS and not said:
                raise ValueError("the answer isn't MQTT")
    finally:
        client.disconnect()
    return said[0], dict(served or {})


class _RoundTrip:
    """The steps of one, as paho's callbacks: connect, subscribe, publish, hear it again.

    Without a topic nothing is subscribed to, and the messages are all. ``also`` is subscribed to
    beside the topic; what is retained there is ``heard``.
    """

    def __init__(
        self, account: str, topic: str, messages: Sequence[Message] = (), also: str = ""
    ) -> None:
        self._account, self._topic, self._messages, self._also = account, topic, messages, also
        self.heard: list[Message] = []
        self._word = uuid.uuid4().hex.encode()
        self._open: set[int] = set()  # message ids without a PUBACK
        self._sent = 0.0
        self._took: float | None = None
        self.refusal: Refused | None = None

    @property
    def seconds(self) -> float | None:
        """How long the word took, once it and every PUBACK are there."""
        return None if self._open else self._took

    def on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        """CONNACK."""
        if reason.is_failure:
            self.refusal = AccountRefused(f"refuses account '{self._account}' ({reason})")
        elif not self._topic:
            self._took = 0.0
            self._publish(client, self._messages)
        else:
            topics = filter(None, (self._also, self._topic))
            client.subscribe([(one, SubscribeOptions(qos=1)) for one in topics])

    def on_subscribe(self, client: Any, _data: Any, _mid: Any, reasons: Any, _more: Any) -> None:
        """SUBACK."""
        if any(reason.is_failure for reason in reasons):
            topic = self._also or self._topic
            self.refusal = Refused(f"refuses a subscription to '{topic}' ({reasons[0]})")
            return
        self._sent = time.monotonic()
        self._publish(client, (Message(self._topic, self._word), *self._messages))

    def _publish(self, client: Any, messages: Sequence[Message]) -> None:
        for message in messages:
            sent = client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            self._open.add(sent.mid)

    def on_publish(self, _client: Any, _data: Any, mid: Any, reason: Any, _more: Any) -> None:
        """PUBACK."""
        if reason.is_failure:
            self.refusal = Refused(f"refuses a message ({reason})")
        self._open.discard(mid)

    def on_message(self, _client: Any, _data: Any, message: Any) -> None:
        """PUBLISH: somebody's word, perhaps this one's."""
        if message.payload == self._word:
            self._took = time.monotonic() - self._sent
        elif message.retain:
            self.heard.append(Message(message.topic, message.payload, retain=True))


def round_trip(
    broker: Broker,
    account: Account,
    topic: str,
    messages: Sequence[Message] = (),
    *,
    timeout: float = TIMEOUT_SECONDS,
    starting: bool = False,
) -> float:
    """Publish a word, hear it again, and deliver ``messages``; return the seconds it took.

    All of it takes at most ``timeout`` seconds. A broker that is ``starting`` is waited for so
    long. Raises BrokerError; ssl.SSLError when its certificate can't be trusted.
    """
    trip = _RoundTrip(account.name, topic, messages)
    _run(trip, broker, account, timeout, starting=starting)
    return trip.seconds or 0.0


def deliver(
    broker: Broker,
    account: Account,
    messages: Sequence[Message],
    *,
    timeout: float = TIMEOUT_SECONDS,
) -> None:
    """Have the broker take messages, with an account that need not be allowed to read.

    Raises BrokerError; ssl.SSLError when its certificate can't be trusted.
    """
    _run(_RoundTrip(account.name, "", messages), broker, account, timeout)


def retained(
    broker: Broker, account: Account, topics: str, word: str, *, timeout: float = TIMEOUT_SECONDS
) -> list[Message]:
    """Return the messages that the broker retains below ``topics``, in the order of its own.

    ``word`` is a topic that the account may write and read: what was retained comes before a
    message on it that is sent after the subscription. Raises BrokerError, ssl.SSLError.
    """
    trip = _RoundTrip(account.name, word, also=topics)
    _run(trip, broker, account, timeout)
    return trip.heard


def _run(
    trip: _RoundTrip, broker: Broker, account: Account, timeout: float, *, starting: bool = False
) -> None:
    """Go through a round trip's steps; raises its refusal."""
    deadline = time.monotonic() + timeout
    client = _client(broker, f"{account.name}-{uuid.uuid4().hex[:8]}", timeout)
    client.username_pw_set(account.name, account.password)
    client.on_connect = trip.on_connect
    client.on_subscribe = trip.on_subscribe
    client.on_publish = trip.on_publish
    client.on_message = trip.on_message
    _connect(client, broker, deadline if starting else 0.0)
    try:
        while trip.refusal is None and trip.seconds is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise BrokerError("does not answer: no message came back")
            code = client.loop(left)
            if code != mqtt.MQTT_ERR_SUCCESS and trip.refusal is None:
                raise BrokerError(f"does not answer: {mqtt.error_string(code).rstrip('.')}")
    finally:
        client.disconnect()
    if trip.refusal is not None:
        raise trip.refusal


def _client(broker: Broker, name: str, timeout: float) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5)
    client.connect_timeout = timeout
    if broker.tls is not None:
        client.tls_set_context(broker.tls)
    return client


def _connect(client: mqtt.Client, broker: Broker, deadline: float) -> None:
    """Open the connection, trying until the deadline (monotonic seconds) while nobody listens."""
    while True:
        try:
            client.connect(broker.host, broker.port, keepalive=30)
        except ssl.SSLError:
            raise
        except OSError as error:
            if time.monotonic() + RETRY_SECONDS >= deadline:
                raise BrokerError(f"does not answer: {error.strerror or error}") from error
            time.sleep(RETRY_SECONDS)
        else:
            return
