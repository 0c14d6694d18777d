#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Prove an MQTT broker by a message that comes back."""

from __future__ import annotations

import queue
import ssl
import time
import traceback
import uuid
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import paho.mqtt.client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion
except ImportError:
    PAHO_ERROR: str | None = traceback.format_exc()
else:
    PAHO_ERROR = None

DOCUMENTATION = r"""
module: mqtt_round_trip
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Prove an MQTT broker by a message that comes back
description:
  - Connects with an account, subscribes to a topic, publishes a random word there and waits for
    it to return.
  - The password is read from a file on the managed host; it is neither an argument nor a result.
  - Waits for a broker that is just starting. Never changes anything.
requirements: [python3-paho-mqtt 2]
options:
  host:
    description: Where the broker listens. With O(ca_file) a name in the broker's certificate.
    type: str
    required: true
  port:
    description: The TCP port.
    type: int
    required: true
  ca_file:
    description: The CA that signed the broker's certificate; without it the connection has no TLS.
    type: path
  username:
    description: The account.
    type: str
    required: true
  password_file:
    description: The file on the managed host that holds the account's password.
    type: path
    required: true
  topic:
    description: A topic that the account may both write and read.
    type: str
    required: true
  timeout:
    description: Seconds until the message must be back.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Prove that a message comes back
  mqtt_round_trip:
    host: 127.0.0.1
    port: "{{ hems_port_mqtt }}"
    username: hems
    password_file: /etc/hems/secrets/mqtt_hems
    topic: hems/hems/round_trip
"""

RETURN = r"""
milliseconds:
  description: From the publishing to the message's return.
  type: int
  returned: success
"""

RETRY_SECONDS = 0.5


class RoundTripError(Exception):
    """The message did not come back; its text is one sentence with cause and cure."""


class RoundTrip:
    """The steps of one round trip, as paho's callbacks: connect, subscribe, publish, hear.

    The first entry of ``outcome`` is the end: seconds that the message took, or a sentence.
    """

    def __init__(self, username: str, topic: str) -> None:
        self.outcome: queue.SimpleQueue[float | str] = queue.SimpleQueue()
        self._username = username
        self._topic = topic
        self._word = uuid.uuid4().hex.encode()
        self._sent = 0.0

    def on_connect(
        self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        """CONNACK: the account was let in, or not."""
        if reason.is_failure:
            self.outcome.put(
                f"The broker refused account '{self._username}' ({reason}): "
                "run the whole playbook, it makes the accounts' file anew from the secrets."
            )
            return
        client.subscribe(self._topic, qos=1)

    def on_subscribe(
        self, client: Any, _data: Any, _mid: Any, reasons: Any, _properties: Any
    ) -> None:
        """SUBACK: from now on the word would be heard."""
        if any(reason.is_failure for reason in reasons):
            self._denied("subscribe to", reasons[0])
            return
        self._sent = time.monotonic()
        client.publish(self._topic, self._word, qos=1)

    def on_publish(
        self, _client: Any, _data: Any, _mid: Any, reason: Any, _properties: Any
    ) -> None:
        """PUBACK: the word was taken, or not."""
        if reason.is_failure:
            self._denied("publish to", reason)

    def on_message(self, _client: Any, _data: Any, message: Any) -> None:
        """PUBLISH: somebody's word, perhaps the own one."""
        if message.payload == self._word:
            self.outcome.put(time.monotonic() - self._sent)

    def _denied(self, verb: str, reason: Any) -> None:
        self.outcome.put(
            f"Account '{self._username}' may not {verb} '{self._topic}' ({reason}): "
            "the broker's ACL file has another rule for it."
        )


def run(options: dict[str, Any], password: str) -> float:
    """Make the round trip and return how many seconds the message took.

    Raises RoundTripError when the broker can't be reached, refuses, or does not answer in time.
    """
    where = f"{options['host']}:{options['port']}"
    deadline = time.monotonic() + options["timeout"]
    trip = RoundTrip(options["username"], options["topic"])
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, f"hems-round-trip-{uuid.uuid4().hex[:8]}", protocol=mqtt.MQTTv5
    )
    client.username_pw_set(options["username"], password)
    if options["ca_file"]:
        try:
            client.tls_set(ca_certs=options["ca_file"], tls_version=ssl.PROTOCOL_TLS_CLIENT)
        except OSError as error:
            message = f"The CA {options['ca_file']} can't be used ({error}): run role tls."
            raise RoundTripError(message) from error
    client.on_connect = trip.on_connect
    client.on_subscribe = trip.on_subscribe
    client.on_publish = trip.on_publish
    client.on_message = trip.on_message
    connect(client, options["host"], options["port"], deadline)
    client.loop_start()
    try:
        outcome = trip.outcome.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        message = (
            f"The broker at {where} took the connection, but no message came back within "
            f"{options['timeout']} s: 'journalctl -u mosquitto' says why."
        )
        raise RoundTripError(message) from None
    finally:
        client.disconnect()
        client.loop_stop()
    if isinstance(outcome, str):
        raise RoundTripError(outcome)
    return outcome


def connect(client: Any, host: str, port: int, deadline: float) -> None:
    """Open the connection, trying until the deadline (monotonic seconds) while nobody listens."""
    while True:
        try:
            client.connect(host, port, keepalive=30)
        except ssl.SSLError as error:
            message = (
                f"The broker's certificate is not one for '{host}' that the site's CA signed "
                f"({error.args[-1]}): run the whole playbook, role tls makes it anew."
            )
            raise RoundTripError(message) from error
        except OSError as error:
            if time.monotonic() + RETRY_SECONDS < deadline:
                time.sleep(RETRY_SECONDS)
                continue
            message = (
                f"The broker does not answer at {host}:{port} ({error}): "
                "'journalctl -u mosquitto' says why."
            )
            raise RoundTripError(message) from error
        return


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "ca_file": {"type": "path"},
            "username": {"type": "str", "required": True},
            "password_file": {"type": "path", "required": True, "no_log": False},
            "topic": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    if PAHO_ERROR:
        module.fail_json(msg=missing_required_lib("python3-paho-mqtt"), exception=PAHO_ERROR)
    path = module.params["password_file"]
    try:
        password = Path(path).read_text().removesuffix("\n")
    except OSError as error:
        user = module.params["username"]
        module.fail_json(msg=f"The password of '{user}' can't be read ({error}): run role base.")
    try:
        seconds = run(module.params, password)
    except RoundTripError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, milliseconds=round(seconds * 1000))


if __name__ == "__main__":
    main()
