#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Run a systemd unit on its current files, also after a play that was interrupted."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: unit_current
short_description: Run a systemd unit on its current files
description:
  - Enables and starts the unit; restarts or reloads it when its files are newer than its process.
  - A handler forgets what it was told when the play dies before it runs; the files' times do not.
    That is why the appliance has this module in place of handlers.
  - Reads the unit files again first when systemd says that they changed.
options:
  name:
    description: The unit, with its suffix.
    type: str
    required: true
  files:
    description: >-
      Files and directories that are read at start; the unit restarts when one is newer than it.
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
    "ExecMainStartTimestampMonotonic",
    "ActiveEnterTimestampMonotonic",
    "StateChangeTimestampMonotonic",
)


def parse_properties(text: str) -> dict[str, str]:
    """Return ``systemctl show``'s lines as a mapping."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def newest_change(paths: Iterable[str]) -> float:
    """Return the latest inode change (Unix seconds) at or below the paths; 0.0 when there is none.

    The inode's time and not the content's: it also moves when a file is swapped in or its mode
    changes.
    """
    return max((path.lstat().st_ctime for top in paths for path in _below(Path(top))), default=0.0)


def _below(top: Path) -> Iterator[Path]:
    # The link's target counts too: a certificate is renewed by switching a link.
    for path in {top, top.resolve()}:
        if path.exists() or path.is_symlink():
            yield path
        if path.is_dir():
            yield from path.rglob("*")


def wall_clock(monotonic_us: str, offset: float) -> float:
    """Return a systemd monotonic time stamp (µs, "0" for never) as Unix seconds of today's clock.

    ``offset`` is wall clock less monotonic clock, now: a step of the clock since the unit's start
    (a Pi has no battery for it) then makes no difference.
    """
    stamp = int(monotonic_us or 0)
    return stamp / 1e6 + offset if stamp else 0.0


def to_stop(unit: Mapping[str, str]) -> list[str]:
    """Return systemctl's verbs that take the unit out of service."""
    if unit["LoadState"] != "loaded":
        return []
    disable = ["disable"] if unit["UnitFileState"] == "enabled" else []
    return disable + (["stop"] if unit["ActiveState"] != "inactive" else [])


def to_run(unit: Mapping[str, str], files: float, reload_files: float, offset: float) -> list[str]:
    """Return systemctl's verbs that make the unit run on its current files.

    ``files`` and ``reload_files`` are the newest changes in Unix seconds, ``offset`` is wall clock
    less monotonic clock.
    """
    enable = ["enable"] if unit["UnitFileState"] in ("disabled", "") else []
    if unit["ActiveState"] == "failed":
        # A unit that gave up after too many tries would refuse to start.
        return [*enable, "reset-failed", "start"]
    if unit["ActiveState"] not in ("active", "reloading"):
        return [*enable, "start"]
    # A timer or a target has no main process; it became what it is when it was entered.
    begun = wall_clock(unit.get("ExecMainStartTimestampMonotonic", ""), offset) or wall_clock(
        unit.get("ActiveEnterTimestampMonotonic", ""), offset
    )
    if files > begun:
        return [*enable, "restart"]
    reloaded = wall_clock(unit.get("StateChangeTimestampMonotonic", ""), offset)
    return enable + (["reload"] if reload_files > max(begun, reloaded) else [])


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
        code, output, error = module.run_command(["systemctl", *arguments])
        if code:
            _, journal, _ = module.run_command(
                ["journalctl", "--unit", name, "--lines=20", "--no-pager", "--output=cat"]
            )
            module.fail_json(
                msg=f"'systemctl {' '.join(arguments)}' failed: {error.strip()} "
                f"'journalctl -u {name}' says why; its last lines are below.",
                journal=journal.splitlines(),
            )
        return str(output)

    def show() -> dict[str, str]:
        return parse_properties(systemctl("show", name, f"--property={','.join(PROPERTIES)}"))

    unit = show()
    if unit["NeedDaemonReload"] == "yes" or unit["LoadState"] != "loaded":
        if not module.check_mode:
            systemctl("daemon-reload")
        unit = show()
    if module.params["state"] == "stopped":
        verbs = to_stop(unit)
    elif unit["LoadState"] != "loaded" and not module.check_mode:
        module.fail_json(
            msg=f"There is no unit {name} ({unit['LoadState']}): "
            "its package or unit file is missing."
        )
    else:
        own = [path for path in [unit["FragmentPath"], *unit["DropInPaths"].split()] if path]
        verbs = to_run(
            unit,
            newest_change([*own, *module.params["files"]]),
            newest_change(module.params["reload_files"]),
            time.time() - time.monotonic(),
        )
    if not module.check_mode:
        for verb in verbs:
            systemctl(verb, name)
    module.exit_json(changed=bool(verbs), did=verbs)


if __name__ == "__main__":
    main()
