"""Stands between the devices' discovery and Home Assistant: hears the one, tells the other.

Its account hears what devices announce and writes what Home Assistant listens to; a device's can't.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from hems import HemsError, settings, systemd
from hems.discovery.book import FROM_DEVICES, Book, Retained
from hems.probes import LOOPBACK
from hems.settings import Appliance

ACCOUNT = "discovery"
CREDENTIAL = f"mqtt_{ACCOUNT}"
QUIET_SECONDS = 3.0  # after the last retained message, until there is no more to come
LOOP_SECONDS = 1.0


class BrokerError(HemsError):
    """The broker ended the connection, or refused it."""


def say(line: str) -> None:
    """Write a line to the journal."""
    print(line, file=sys.stderr, flush=True)


class Daemon:
    """One connection; whatever breaks it ends the daemon, and systemd starts it again."""

    def __init__(self, appliance: Appliance, password: str) -> None:
        self._prefix = appliance.mqtt.discovery
        self._book = Book(self._prefix, appliance.accounts.mqtt_devices)
        self._kept: set[str] | None = set()  # of Home Assistant's topics, at the start
        self._last = time.monotonic()
        self._said: dict[str, str] = {}
        self._problem = ""
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
        """Work until the connection ends. Raises BrokerError."""
        try:
            self._client.connect(LOOPBACK, self._port, keepalive=30)
        except OSError as error:
            raise BrokerError(f"The broker does not answer: {error}.") from error
        while True:
            code = self._client.loop(timeout=LOOP_SECONDS)
            if self._problem or code != mqtt.MQTT_ERR_SUCCESS:
                raise BrokerError(self._problem or f"The broker is gone: {code.name}.")
            self._settle()
            systemd.feed_watchdog()

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            self._problem = f"The broker refuses account '{ACCOUNT}' ({reason})."
            return
        # No local: what this publishes itself does not come back.
        options = SubscribeOptions(qos=1, noLocal=True)
        topics = [f"{top}/+/+/+/config" for top in (FROM_DEVICES, self._prefix)]
        client.subscribe([(topic, options) for topic in topics])

    def _on_subscribe(self, _c: Any, _data: Any, _mid: Any, reasons: Any, _more: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._problem = f"The broker refuses a subscription ({reasons[0]})."
            return
        self._last = time.monotonic()
        systemd.ready()

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        self._last = time.monotonic()
        topic, payload = str(message.topic), bytes(message.payload)
        if topic.startswith(f"{FROM_DEVICES}/"):
            self._publish(self._book.announced(topic, payload, self._last))
        elif not payload:
            self._publish(self._book.taken_out(topic))
        elif self._kept is not None:
            self._kept.add(topic)
        self._tell()

    def _settle(self) -> None:
        """Once the broker has said all that it kept, take out what nobody speaks for any more."""
        if self._kept is not None and time.monotonic() - self._last > QUIET_SECONDS:
            self._publish(self._book.left_over(self._kept))
            self._kept = None

    def _publish(self, messages: list[Retained]) -> None:
        for message in messages:
            self._client.publish(message.topic, message.payload, qos=1, retain=True)

    def _tell(self) -> None:
        problems = self._book.problems
        for topic, problem in problems.items():
            if self._said.get(topic) != problem:
                say(f"Home Assistant does not hear {topic}: {problem}.")
        self._said = dict(problems)


def main() -> int:
    """Run as a service."""
    try:
        appliance = settings.appliance(Path(os.environ.get("HEMS_SETTINGS", settings.DIRECTORY)))
        secret = Path(os.environ.get("CREDENTIALS_DIRECTORY", "")) / CREDENTIAL
        Daemon(appliance, secret.read_text(encoding="utf-8").removesuffix("\n")).run()
    except (HemsError, OSError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
