#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Finish Home Assistant's set-up over its API: owner, token, Energy, dashboard; prove readiness."""

from __future__ import annotations

import time
import traceback
from dataclasses import fields
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.home_assistant_dashboard import Shown
from ansible.module_utils.home_assistant_plan import (
    MEMORY,
    URL_PATH,
    Present,
    plan,
)

try:
    from ansible.module_utils.home_assistant_log_in import Http
    from ansible.module_utils.home_assistant_session import (
        SetupError,
        log_in,
        new_token,
        read_secret,
        set_aside,
        stored_token,
        wait_for_http,
        wait_until_ready,
    )
    from hems.home_assistant import Access, HomeAssistant, HomeAssistantError
except ImportError:
    HEMS_ERROR: str | None = traceback.format_exc()
else:
    HEMS_ERROR = None

DOCUMENTATION = r"""
module: home_assistant_setup
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Make Home Assistant's owner, token, Energy preferences and first dashboard
description:
  - Makes the owner's account on a box that has none and keeps a long-lived token for later runs.
  - Waits until Home Assistant runs and the named integrations are loaded; fails with the reason.
  - Gives Energy preferences and the first dashboard; what an owner edits or removes stays so.
  - An owner may change the password. If the token is lost as well, the module warns and goes on,
    and does not try that password again, since wrong log-ins get an address banned.
  - Secrets are read from and written to files on the Pi; none is returned.
  - Runs on the interpreter of the installed hems package (C(ansible_python_interpreter)).
requirements: [hems]
options:
  port:
    description: Home Assistant's TCP port on loopback.
    type: int
    required: true
  name:
    description: The owner's display name.
    type: str
    required: true
  username:
    description: The owner's log-in name.
    type: str
    required: true
  password_file:
    description: File with the owner's first password.
    type: path
    required: true
  token_file:
    description: File of the long-lived token; written when there is none that works.
    type: path
    required: true
  language:
    description: Language of the areas that Home Assistant makes with the owner.
    type: str
    required: true
  domains:
    description: Integrations whose config entries must be loaded.
    type: list
    elements: str
    required: true
  power:
    description: Entity id of the house's power, W.
    type: str
    required: true
  energy:
    description: Entity id of the house's total energy, kWh.
    type: str
    required: true
  energy_today:
    description: Entity id of today's energy, kWh.
    type: str
    required: true
  voltage:
    description: Entity id of the mains' voltage, V; it may not exist.
    type: str
    required: true
  current:
    description: Entity id of the house's current, A; it may not exist.
    type: str
    required: true
  battery:
    description: Entity id of the reader's battery, %; it may not exist.
    type: str
    required: true
  site:
    description: What the site is called.
    type: str
    required: true
  words:
    description: The dashboard's words in the owner's language.
    type: dict
    required: true
  restore_dashboard:
    description: Give the first dashboard again, whatever an owner made of it.
    type: bool
    default: false
  timeout:
    description: Seconds to wait for readiness.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Make Home Assistant ready for its owner
  home_assistant_setup:
    port: "{{ hems_port_home_assistant }}"
    name: Owner
    username: owner
    password_file: /etc/hems/secrets/owner_password
    token_file: /etc/hems/secrets/home_assistant_token
    language: en
    domains: [mqtt, influxdb]
    power: sensor.hems_power
    energy: sensor.hems_energy
    energy_today: sensor.hems_energy_today
    voltage: sensor.meter_voltage
    current: sensor.meter_current
    battery: sensor.meter_battery
    site: Cork 1
    words: {title: Home energy}
  vars:
    ansible_python_interpreter: "{{ hems_path_opt }}/current/bin/python"
"""

RETURN = r"""
done:
  description: What this run did, in words.
  type: list
  elements: str
  returned: always
managed:
  description: Whether the box could log in and manage Home Assistant.
  type: bool
  returned: always
"""


def call_or_none(socket: HomeAssistant, kind: str, **fields: Any) -> Any:
    """Send a command and return its result, None for what Home Assistant says it does not have."""
    try:
        return socket.call(kind, **fields)
    except HomeAssistantError as error:
        if error.code in ("not_found", "config_not_found"):
            return None
        raise


def look(socket: HomeAssistant) -> Present:
    """Ask Home Assistant what it has."""
    return Present(
        dashboards=socket.call("lovelace/dashboards/list"),
        dashboard=call_or_none(socket, "lovelace/config", url_path=URL_PATH),
        energy=call_or_none(socket, "energy/get_prefs"),
        memory=socket.call("frontend/get_system_data", key=MEMORY)["value"] or {},
        core=socket.call("frontend/get_system_data", key="core")["value"] or {},
        panels=frozenset(socket.call("get_panels")),
    )


UNMANAGED = {
    "invalid_auth": "the owner has changed the password and the box's own token is gone",
    "mfa": "the owner uses two-factor log-in and the box's own token is gone",
}


def run(module: AnsibleModule) -> dict[str, Any]:
    """Do what is missing; return Ansible's result."""
    params = module.params
    http = Http(params["port"], params["timeout"])
    deadline = time.monotonic() + params["timeout"]
    token_file = Path(params["token_file"])
    password_file = Path(params["password_file"])
    refused = token_file.with_name("home_assistant_login_refused")
    done: list[str] = []
    try:
        wait_for_http(http, 0.0 if module.check_mode else deadline)
    except SetupError:
        if module.check_mode:
            return {"changed": True, "managed": False, "done": ["would set it up once it runs"]}
        raise
    token = stored_token(http, token_file)
    if token is None:
        if module.check_mode:
            return {"changed": True, "managed": False, "done": ["would log in and make a token"]}
        try:
            if http.user_is_made():
                code = log_in(http, params["username"], password_file, refused)
            else:
                code = http.make_user(
                    params["name"],
                    params["username"],
                    read_secret(password_file),
                    params["language"],
                )
                done.append(f"made the owner {params['username']}")
        except HomeAssistantError as error:
            if not error.code:  # nothing answered, which says nothing about the log-in
                raise
            why = UNMANAGED.get(error.code, f"the box cannot log in: {error}")
            module.warn(
                f"Home Assistant's Energy preferences, dashboard and readiness are not managed: "
                f"{why}. docs/home_assistant.md, When it fails, says how to give it a new one."
            )
            set_aside(token_file)
            return {"changed": False, "managed": False, "done": done}
        token = new_token(http, code, token_file)
        token_file.with_name(f"{token_file.name}.refused").unlink(missing_ok=True)
        refused.unlink(missing_ok=True)
        done.append("made the token hems-provision")
    wait_until_ready(http, token, params["domains"], deadline)
    wanted = Shown(**{shown.name: params[shown.name] for shown in fields(Shown)})
    with HomeAssistant(Access(http.port, token)) as socket:
        for kind, words in plan(look(socket), wanted, restore=params["restore_dashboard"]):
            if not module.check_mode:
                socket.call(kind, **words)
            done.append(f"{kind} {words.get('key') or words.get('url_path') or ''}".strip())
    return {"changed": bool(done), "managed": True, "done": done}


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "port": {"type": "int", "required": True},
            "name": {"type": "str", "required": True},
            "username": {"type": "str", "required": True},
            "password_file": {"type": "path", "required": True, "no_log": False},
            "token_file": {"type": "path", "required": True, "no_log": False},
            "language": {"type": "str", "required": True},
            "domains": {"type": "list", "elements": "str", "required": True},
            "power": {"type": "str", "required": True},
            "energy": {"type": "str", "required": True},
            "energy_today": {"type": "str", "required": True},
            "voltage": {"type": "str", "required": True},
            "current": {"type": "str", "required": True},
            "battery": {"type": "str", "required": True},
            "site": {"type": "str", "required": True},
            "words": {"type": "dict", "required": True},
            "restore_dashboard": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    if HEMS_ERROR and module.check_mode:  # the release that is to be installed brings it
        module.exit_json(changed=True, managed=False, done=["would set it up"])
    if HEMS_ERROR:
        module.fail_json(msg=missing_required_lib("hems"), exception=HEMS_ERROR)
    try:
        module.exit_json(**run(module))
    except SetupError as error:
        module.fail_json(msg=str(error))
    except (HomeAssistantError, OSError) as error:
        said = str(error).rstrip(".")
        module.fail_json(msg=f"Home Assistant's set-up stopped: {said}. Run the playbook again.")


if __name__ == "__main__":
    main()
