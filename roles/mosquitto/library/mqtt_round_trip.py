#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Prove an MQTT broker by a message that comes back."""

from __future__ import annotations

import ssl
import traceback
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    from hems.mqtt import Account, AccountRefused, Broker, BrokerError, Refused, round_trip
except ImportError:
    HEMS_ERROR: str | None = traceback.format_exc()
else:
    HEMS_ERROR = None

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
  - Runs on the interpreter of the installed hems package (C(ansible_python_interpreter)).
requirements: [hems]
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
  vars:
    ansible_python_interpreter: "{{ hems_path_opt }}/current/bin/python"
"""

RETURN = r"""
milliseconds:
  description: From the publishing to the message's return.
  type: int
  returned: success
"""

LOG = "'journalctl -u mosquitto' says why."


class RoundTripError(Exception):
    """The message did not come back; its text is one sentence with cause and cure."""


def run(options: dict[str, Any], password: str) -> float:
    """Make the round trip and return how many seconds the message took.

    Raises RoundTripError when the broker can't be reached, refuses, or does not answer in time.
    """
    host, port = options["host"], options["port"]
    tls = None
    if options["ca_file"]:
        try:
            tls = ssl.create_default_context(cafile=options["ca_file"])
        except OSError as error:
            message = f"The CA {options['ca_file']} can't be used ({error}): run role tls."
            raise RoundTripError(message) from error
    try:
        return round_trip(
            Broker(port, host, tls),
            Account(options["username"], password),
            options["topic"],
            timeout=options["timeout"],
            starting=True,
        )
    except ssl.SSLError as error:
        raise RoundTripError(
            f"The broker's certificate is not one for '{host}' that the site's CA signed "
            f"({error.args[-1]}): run the whole playbook, role tls makes a new one."
        ) from error
    except BrokerError as error:
        raise RoundTripError(f"The broker at {host}:{port} {error}: {cure(error)}") from error


def cure(error: BrokerError) -> str:
    """Return what to do about it."""
    if isinstance(error, AccountRefused):
        return "run the whole playbook, it makes the accounts' file anew from the secrets."
    if isinstance(error, Refused):
        return "its ACL file has another rule for this account."
    return LOG


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
    if HEMS_ERROR and module.check_mode:
        module.exit_json(changed=False, skipped=True, msg="The installed hems is an older one.")
    if HEMS_ERROR:
        module.fail_json(msg=missing_required_lib("hems"), exception=HEMS_ERROR)
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
