#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Run a systemd unit on its current files, also after a play that was interrupted."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ansible.module_utils import started_with, whole_output
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.started_with import Files, Record, is_stale

DOCUMENTATION = r"""
module: unit_current
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Run a systemd unit on its current files
description:
  - Enables and starts the unit; restarts or reloads it when its files are not those that it was
    started with.
  - What a unit was started with is remembered on the Pi as a fingerprint of the files' contents,
    owners and modes. A handler forgets what it was told when the play dies before it runs; this
    does not, and a step of the Pi's clock makes no difference.
  - Of a unit that somebody else started since, or that an older release of the appliance started,
    nothing is remembered; it restarts when one of its files may have changed after its start.
  - Reads the unit files again first when they changed.
options:
  name:
    description: The unit, with its suffix.
    type: str
    required: true
  files:
    description: Files and directories that are read at start; a change of one restarts the unit.
    type: list
    elements: path
    default: []
  reload_files:
    description: Files and directories that a reload reads again.
    type: list
    elements: path
    default: []
  state:
    description: V(stopped) disables and stops the unit instead, if there is one.
    type: str
    choices: [running, stopped]
    default: running
"""

EXAMPLES = r"""
- name: Run the broker on its current files
  unit_current:
    name: mosquitto.service
    files: [/etc/mosquitto/mosquitto.conf]
    reload_files: [/etc/mosquitto/passwd, /etc/mosquitto/acl]
"""

RETURN = r"""
did:
  description: systemctl's verbs that were used.
  type: list
  elements: str
  returned: always
"""

PROPERTIES = (
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "NeedDaemonReload",
    "FragmentPath",
    "DropInPaths",
    *started_with.PROPERTIES,
)


def parse_properties(text: str) -> dict[str, str]:
    """Return ``systemctl show``'s lines as a mapping."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def to_stop(unit: Mapping[str, str]) -> list[str]:
    """Return systemctl's verbs that take the unit out of service."""
    if unit["LoadState"] != "loaded":
        return []
    disable = ["disable"] if unit["UnitFileState"] == "enabled" else []
    return disable + (["stop"] if unit["ActiveState"] != "inactive" else [])


def to_run(
    unit: Mapping[str, str],
    at_start: Files,
    at_reload: Files,
    record: Record | None,
    offset: float,
) -> list[str]:
    """Return systemctl's verbs that make the unit run on its current files.

    ``record`` is what is remembered of its last start, ``offset`` wall clock less monotonic clock.
    """
    enable = ["enable"] if unit["UnitFileState"] in ("disabled", "") else []
    if unit["ActiveState"] == "failed":
        # A unit that gave up after too many tries would refuse to start.
        return [*enable, "reset-failed", "start"]
    if unit["ActiveState"] not in ("active", "reloading"):
        return [*enable, "start"]
    if is_stale(at_start, record and record.files, record, unit, offset):
        return [*enable, "restart"]
    if is_stale(at_reload, record and record.reload_files, record, unit, offset):
        return [*enable, "reload"]
    return enable


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "path", "default": []},
            "reload_files": {"type": "list", "elements": "path", "default": []},
            "state": {"type": "str", "choices": ["running", "stopped"], "default": "running"},
        },
        supports_check_mode=True,
    )
    name = module.params["name"]

    def systemctl(*arguments: str) -> str:
        code, output, error = whole_output.run(["systemctl", *arguments])
        if code:
            _, journal, _ = whole_output.run(
                ["journalctl", "--unit", name, "--lines=20", "--no-pager", "--output=cat"]
            )
            module.fail_json(
                msg=f"'systemctl {' '.join(arguments)}' failed: {error.strip()} "
                f"'journalctl -u {name}' says why; its last lines are below.",
                journal=journal.splitlines(),
            )
        return str(output)

    def show() -> dict[str, str]:
        properties = f"--property={','.join(PROPERTIES)}"
        return parse_properties(systemctl("show", name, properties, started_with.TIMESTAMPS))

    unit, record = show(), started_with.load(name)
    if unit["NeedDaemonReload"] == "yes" or unit["LoadState"] != "loaded":
        if not module.check_mode:
            systemctl("daemon-reload")
        unit = show()
    if module.params["state"] == "stopped":
        verbs = to_stop(unit)
        if not module.check_mode:
            started_with.forget(name)
    elif unit["LoadState"] != "loaded" and not module.check_mode:
        module.fail_json(
            msg=f"There is no unit {name} ({unit['LoadState']}): "
            "its package or unit file is missing."
        )
    else:
        own = [path for path in [unit["FragmentPath"], *unit["DropInPaths"].split()] if path]
        # Looked at before the start: what changes meanwhile is found by the next run.
        at_start = started_with.look([*own, *module.params["files"]])
        at_reload = started_with.look(module.params["reload_files"])
        verbs = to_run(unit, at_start, at_reload, record, time.time() - time.monotonic())
    if not module.check_mode:
        if {"start", "restart"} & set(verbs):
            # systemd compares the times of its unit files, too.
            systemctl("daemon-reload")
        for verb in verbs:
            systemctl(verb, name)
        if module.params["state"] == "running":
            invocation = show()["InvocationID"]
            new = Record(invocation, at_start.fingerprint, at_reload.fingerprint)
            if new != record:
                started_with.save(name, new)
    module.exit_json(changed=bool(verbs), did=verbs)


if __name__ == "__main__":
    main()
