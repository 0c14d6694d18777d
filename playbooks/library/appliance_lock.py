#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Hold the appliance's lock from one task of a play to another."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.module_utils import whole_output
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: appliance_lock
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Hold the appliance's lock from one task of a play to another
description:
  - Converging, updating, restoring and dongle work must not run side by side;
    each takes the same flock(2).
  - A play is many processes, so a transient systemd unit holds the lock for it.
  - The action plugin of the same name adds who asks, and takes over a lock that an interrupted
    play of the same controller left behind.
options:
  path:
    description: The lock file.
    type: path
    required: true
  state:
    description: V(held) takes the lock or fails in words; V(free) gives back what this play took.
    type: str
    choices: [held, free]
    default: held
  work:
    description: What the lock is taken for, as the next one who wants it will read it.
    type: str
    default: converge
  inside:
    description:
      - The work that holds the lock and runs this play, like V(update); the lock is left to it.
      - Empty takes the lock.
    type: str
    default: ''
  limit:
    description: Seconds after which the lock frees itself, should the controller never come back.
    type: int
    default: 7200
  by:
    description: The controller's name; set by the action plugin.
    type: str
  pid:
    description: The play's process on the controller; set by the action plugin.
    type: int
  take_over:
    description: End another play's hold first; set by the action plugin when that play is dead.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Hold the appliance's lock
  appliance_lock:
    path: /run/hems-root/hems.lock
"""

RETURN = r"""
holder:
  description: Who holds the lock when it could not be had (C(work), C(by), C(pid), C(since)).
  type: dict
  returned: when the lock is held by somebody else
"""

UNIT = "hems-lock-play.service"
CONFLICT = 75  # sysexits.h EX_TEMPFAIL: flock's way of saying "held by somebody else"

PATIENCE = 2  # seconds; who only looks at the lock holds it for a moment

# Inside the lock: write down who holds it, say so to systemd, wait to be stopped, and wipe the
# note, so that the next holder, which may leave none, is not taken for this one.
HOLD = """
trap ': >"$1"; exit' TERM
printf '%s\\n' "$2" >"$1" && systemd-notify --ready && { sleep infinity & wait; }
"""


def hold_command(path: str, note: str, limit: int) -> list[str]:
    """Return the command that starts the holder and ends once it has the lock or can't have it."""
    properties = ["Type=notify", "NotifyAccess=all", f"RuntimeMaxSec={limit}", "TimeoutStartSec=15"]
    return [
        "systemd-run",
        f"--unit={UNIT}",
        "--collect",
        "--quiet",
        "--description=Holds the appliance's lock for a play",
        *(f"--property={line}" for line in properties),
        *(
            "flock",
            "--exclusive",
            f"--timeout={PATIENCE}",
            f"--conflict-exit-code={CONFLICT}",
            path,
        ),
        *("sh", "-c", HOLD, "sh", path, note),
    ]


def make(path: Path) -> None:
    """Make the lock file for root alone; role base then lets the daemons look at it.

    Whoever can open the file can hold the lock.
    """
    path.parent.mkdir(mode=0o755, exist_ok=True)
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640))


def read_holder(path: Path) -> dict[str, Any]:
    """Return what the lock's holder wrote about itself, or nothing when that can't be read."""
    try:
        holder = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def is_held(path: Path, inside: str) -> bool:
    """Tell whether such a work holds the lock."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_holder(path).get("work") == inside
    finally:
        os.close(handle)
    return False


def refusal(holder: dict[str, Any], path: str) -> str:
    """Say in one sentence who holds the lock and what to do."""
    if not holder:
        return (
            f"Another program holds the appliance's lock {path}: "
            "wait until it ends; 'sudo lslocks' names it."
        )
    return (
        f"The appliance's lock is held by the {holder.get('work')} of {holder.get('by')} since "
        f"{holder.get('since')}: wait until it has finished, or, if that was interrupted, "
        f"free it with 'sudo systemctl stop {UNIT}'."
    )


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["held", "free"], "default": "held"},
            "work": {"type": "str", "default": "converge"},
            "inside": {"type": "str", "default": ""},
            "limit": {"type": "int", "default": 7200},
            "by": {"type": "str"},
            "pid": {"type": "int"},
            "take_over": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    arguments = module.params
    # Taking and giving back a lock is no change to the box, and a dry run disturbs nobody.
    if module.check_mode:
        module.exit_json(changed=False)
    if arguments["inside"]:
        if arguments["state"] == "held" and not is_held(
            Path(arguments["path"]), arguments["inside"]
        ):
            module.fail_json(
                msg=f"No {arguments['inside']} holds the appliance's lock {arguments['path']}: "
                "run the play without 'hems_lock_inside'."
            )
        module.exit_json(changed=False)
    if arguments["state"] == "free" or arguments["take_over"]:
        whole_output.run(["systemctl", "stop", UNIT])
    if arguments["state"] == "free":
        module.exit_json(changed=False)
    make(Path(arguments["path"]))
    note = {
        "work": arguments["work"],
        "by": arguments["by"],
        "pid": arguments["pid"],
        "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    code, _, error = whole_output.run(
        hold_command(arguments["path"], json.dumps(note), arguments["limit"])
    )
    if code:
        holder = read_holder(Path(arguments["path"]))
        # The unit's name is taken while another play holds the lock: that error is no news.
        unexpected = "" if holder else error.strip()
        module.fail_json(msg=unexpected or refusal(holder, arguments["path"]), holder=holder)
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
