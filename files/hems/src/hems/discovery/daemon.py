"""Stands between the devices' discovery and Home Assistant: hears the one, tells the other.

Its account hears what devices announce and writes what Home Assistant listens to; a device's can't.
It also looks whether Home Assistant bears what it is told, and how much each account keeps.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from hems import HemsError, process, settings, systemd
from hems.discovery import quota
from hems.discovery.book import FROM_DEVICES, Book, Retained, own
from hems.discovery.guard import Guard
from hems.loopback import LOOPBACK
from hems.process import Surroundings, say
from hems.settings import Appliance

ACCOUNT = "discovery"
CREDENTIAL = f"mqtt_{ACCOUNT}"
STATUS = f"{FROM_DEVICES}/status"  # Home Assistant says here that it hears
ANNOUNCED, STATES = f"{FROM_DEVICES}/+/+/+/config", f"{quota.STATES}/#"
COUNT_SECONDS = 10.0  # between two counts of what is retained, if there was no excess
QUIET = (3.0, 1.0)  # seconds of silence that end the first count, and each later one …
LONGEST = (30.0, 5.0)  # … or so many seconds, in the middle of a flood
LOOP_SECONDS = 1.0
# What this publishes itself does not come back; what others do says whether it is retained.
OPTIONS = SubscribeOptions(qos=1, noLocal=True, retainAsPublished=True)
RECONNECT_SECONDS = (1.0, 30.0)  # first and longest pause


class BrokerError(HemsError):
    """The broker refuses what it is asked: only a new start has another password."""


class BrokerAwayError(HemsError):
    """The broker does not answer, or ended the connection."""


class Connection:
    """One connection, from the retained messages that begin it; the guard outlives it."""

    def __init__(
        self, appliance: Appliance, password: str, guard: Guard, problems: dict[str, str]
    ) -> None:
        """``problems`` are what devices' topics were refused for, as it was said already."""
        self._prefix = appliance.mqtt.discovery
        accounts = appliance.accounts
        self._book = Book(self._prefix, accounts.mqtt_devices, own(accounts), problems=problems)
        self._guard = guard
        self._kept: set[str] | None = set()  # of Home Assistant's topics, until it has settled
        self._last = self._counted = time.monotonic()
        self._counting: float | None = self._last  # since when
        self._heard: set[str] = set()  # topics, since the count began
        self._excess = False  # was found since then: the broker may not have said all
        self._said = dict(problems)
        self._problem = ""
        self.subscribed = False
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            f"{ACCOUNT}-{uuid.uuid4().hex[:8]}",
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        self._client.username_pw_set(ACCOUNT, password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._port = appliance.ports.mqtt

    def run(self) -> None:
        """Work until the connection ends. Raises BrokerAwayError and BrokerError."""
        try:
            self._client.connect(LOOPBACK, self._port, keepalive=30)
        except OSError as error:
            raise BrokerAwayError(f"The broker does not answer: {error}.") from error
        while True:
            code = self._client.loop(timeout=LOOP_SECONDS)
            if self._problem:
                raise BrokerError(self._problem)
            if code != mqtt.MQTT_ERR_SUCCESS:
                raise BrokerAwayError(f"The broker is gone: {code.name}.")
            now = time.monotonic()
            if self.subscribed:
                self._count(now)
            self._publish(self._guard.look(now))
            systemd.feed_watchdog()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            self._problem = f"The broker refuses account '{ACCOUNT}' ({reason})."
            return
        self._begin(time.monotonic())

    def _on_subscribe(self, _c: Any, _data: Any, _mid: Any, reasons: Any, _more: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._problem = f"The broker refuses a subscription ({reasons[0]})."
            return
        self._last = time.monotonic()
        if not self.subscribed:  # each count subscribes anew
            self.subscribed = True
            say("The broker says what devices announce.")
            systemd.ready("connected")

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        topic, payload = str(message.topic), bytes(message.payload)
        if topic == STATUS:
            self._guard.connected(payload)
            return
        if message.retain:
            payload = self._bound(topic, payload)
        if topic.startswith(f"{FROM_DEVICES}/"):
            self._tell(self._book.announced(topic, payload, time.monotonic()))
        elif topic.startswith(f"{self._prefix}/"):
            self._hear(topic, payload)

    def _bound(self, topic: str, payload: bytes) -> bytes:
        """Return what is left of a message that the broker retains: nothing, if it is too much."""
        now = time.monotonic()
        if topic not in self._heard:  # a device that reports again and again prolongs no count
            self._last = now
        if excess := self._guard.quota.heard(topic, payload, now):
            self._excess = True
            self._publish(excess, qos=0)  # what is lost of them, the next count finds
            return b""
        self._heard.add(topic)
        return payload

    def _hear(self, topic: str, payload: bytes) -> None:
        """Note what somebody else says where Home Assistant listens."""
        self._guard.trial.heard(topic, payload)
        if not payload:
            self._tell(self._book.taken_out(topic))
        elif self._kept is not None:
            self._kept.add(topic)

    def _begin(self, now: float) -> None:
        """Have the broker say all that it keeps, and from now on what it is given to keep."""
        self._counting, self._last, self._excess = now, now, False
        self._heard.clear()
        self._guard.quota.begin()
        first = () if self._kept is None else (STATUS, f"{self._prefix}/+/+/+/config")
        # The states last: the end of a flood is lost when the broker's queue is full.
        topics = (ANNOUNCED, *first, STATES)
        self._client.subscribe([(topic, OPTIONS) for topic in topics])

    def _count(self, now: float) -> None:
        """End a count, or begin one: at once if there was too much."""
        if self._counting is None:
            if self._excess or now - self._counted >= COUNT_SECONDS:
                self._begin(now)
            return
        later = self._kept is None
        quiet = now - self._last > QUIET[later]
        if quiet or now - self._counting > LONGEST[later]:
            complete = quiet and not self._excess
            self._counting, self._counted = None, now
            self._guard.counted(now, complete=complete)
            if complete:
                self._settle()

    def _settle(self) -> None:
        """Take out what nobody speaks for, once the broker has said all that it kept."""
        if self._kept is not None:
            self._publish(self._guard.trial.settle(self._kept, self._book.told))
            self._tell(self._book.left_over(self._kept))
            self._kept = None

    def _tell(self, messages: Iterable[Retained]) -> None:
        """Say to Home Assistant what it may hear."""
        self._publish(self._guard.trial.tell(messages))
        problems = self._book.problems
        for topic, problem in problems.items():
            if self._said.get(topic) != problem:
                say(f"Home Assistant does not hear {topic}: {problem}.")
        self._said = dict(problems)

    def _publish(self, messages: Iterable[Retained], qos: int = 1) -> None:
        for message in messages:
            self._client.publish(message.topic, message.payload, qos=qos, retain=True)


def serve(connect: Callable[[], Connection], guard: Guard, wait: Callable[[float], None]) -> None:
    """Work for as long as the broker takes the account, and wait while it is away.

    A broker that is not there keeps no unit from starting. Raises BrokerError.
    """
    first, longest = RECONNECT_SECONDS
    pause, said = first, ""
    while True:
        connection = connect()
        try:
            connection.run()
        except BrokerAwayError as error:
            if connection.subscribed:
                guard.trial.disconnected()
                pause, said = first, ""
            if str(error) != said:
                say(str(error))
            said = str(error)
            systemd.ready("waits for the broker")
        wait(pause)
        systemd.feed_watchdog()
        pause = min(2 * pause, longest)


def daemon(around: Surroundings) -> None:
    """Vet what devices announce. Raises HemsError."""
    appliance = settings.appliance(around.settings)
    password = around.credential(CREDENTIAL)
    guard, problems = Guard.of(appliance, os.environ), dict[str, str]()
    serve(lambda: Connection(appliance, password, guard, problems), guard, time.sleep)


if __name__ == "__main__":
    sys.exit(process.run(daemon))
