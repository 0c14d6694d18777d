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
  description: What was done, of V(enabled), V(started), V(restarted), V(reloaded).
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


def decide(unit: Mapping[str, str], files: float, reload_files: float, offset: float) -> str | None:
    """Return ``started``, ``restarted``, ``reloaded`` or None.

    ``files`` and ``reload_files`` are the newest changes in Unix seconds, ``offset`` is wall clock
    less monotonic clock.
    """
    if unit["ActiveState"] not in ("active", "reloading"):
        return "started"
    # A timer or a target has no main process; it became what it is when it was entered.
    begun = wall_clock(unit.get("ExecMainStartTimestampMonotonic", ""), offset) or wall_clock(
        unit.get("ActiveEnterTimestampMonotonic", ""), offset
    )
    if files > begun:
        return "restarted"
    reloaded = wall_clock(unit.get("StateChangeTimestampMonotonic", ""), offset)
    return "reloaded" if reload_files > max(begun, reloaded) else None


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "path", "default": []},
            "reload_files": {"type": "list", "elements": "path", "default": []},
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
    if unit["LoadState"] != "loaded" and not module.check_mode:
        module.fail_json(
            msg=f"There is no unit {name} ({unit['LoadState']}): "
            "its package or unit file is missing."
        )
    did = []
    if unit["UnitFileState"] in ("disabled", ""):
        did.append("enabled")
        if not module.check_mode:
            systemctl("enable", name)
    own = [path for path in [unit["FragmentPath"], *unit["DropInPaths"].split()] if path]
    action = decide(
        unit,
        newest_change([*own, *module.params["files"]]),
        newest_change(module.params["reload_files"]),
        time.time() - time.monotonic(),
    )
    if action:
        did.append(action)
        if not module.check_mode:
            # A unit that gave up after too many tries would refuse to start.
            if unit["ActiveState"] == "failed":
                systemctl("reset-failed", name)
            systemctl(
                {"started": "start", "restarted": "restart", "reloaded": "reload"}[action], name
            )
    module.exit_json(changed=bool(did), did=did)


if __name__ == "__main__":
    main()
