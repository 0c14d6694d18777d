#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Write our part of Home Assistant's configuration and leave the owner's part alone."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import time
from pathlib import Path
from typing import Any

from ansible.module_utils import whole_file
from ansible.module_utils.as_user import as_user
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: home_assistant_config
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Write our configuration files, make the owner's once
description:
  - Files of ours are written when they differ. One that a person edited since we wrote it is kept
    beside ours with its date, and a warning says so.
  - Files of the owner's are made when missing and otherwise never touched.
  - A file of ours that this release no longer has is removed, unless a person edited it.
  - All of it is done with the rights of O(user), who may put a link wherever this would write.
options:
  directory:
    description: Home Assistant's configuration directory.
    type: path
    required: true
  user:
    description: User and group that own it.
    type: str
    required: true
  memory:
    description: File that remembers what we wrote.
    type: path
    required: true
  directories:
    description: Directories of the owner's, made when missing.
    type: list
    elements: str
    default: []
  ours:
    description: Relative path to content, for files that are ours.
    type: dict
    required: true
  theirs:
    description: Relative path to first content, for files that are the owner's.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Write Home Assistant's configuration
  home_assistant_config:
    directory: /var/lib/home-assistant
    user: homeassistant
    memory: /opt/home-assistant/written.json
    directories: [automations]
    ours:
      configuration.yaml: "{{ lookup('ansible.builtin.template', 'configuration.yaml.j2') }}"
    theirs:
      scripts.yaml: ""
"""

RETURN = r"""
written:
  description: Files made or changed.
  type: list
  elements: str
  returned: always
kept:
  description: Copies of edited files of ours.
  type: list
  elements: str
  returned: always
"""


def digest(text: str) -> str:
    """Return what the memory holds of a file."""
    return hashlib.sha256(text.encode()).hexdigest()


def edited(current: str | None, remembered: str | None) -> bool:
    """Return whether a person changed a file of ours since we wrote it."""
    return current is not None and remembered is not None and digest(current) != remembered


def kept_name(path: Path, stamp: str) -> Path:
    """Return where an edited file is kept: not .yaml, or Home Assistant would include it."""
    return path.with_name(f"{path.name}.{stamp}.kept")


class Writer:
    """Writes below one directory; in check mode only remembers what it would do."""

    def __init__(self, top: Path, *, check: bool) -> None:
        self.check = check
        self.top = top
        self.written: list[str] = []

    def directory(self, path: Path) -> None:
        """Make a directory and those above it, up to the top."""
        if path.is_dir():
            return
        if path != self.top:
            self.directory(path.parent)
        self.written.append(f"{path}/")
        if not self.check:
            path.mkdir(mode=0o750)

    def file(self, path: Path, text: str) -> None:
        """Write a file whole, readable by the group only."""
        self.directory(path.parent)
        self.written.append(str(path))
        if not self.check:
            whole_file.write(path, text, mode=0o640)


def read(path: Path) -> str | None:
    """Return a file's text, None when it is missing."""
    try:
        return path.read_text(errors="replace")  # a power cut may have left anything
    except FileNotFoundError:
        return None


def recall(path: Path) -> dict[str, str] | None:
    """Return what was written last; None where a power cut left no such thing."""
    text = read(path)
    try:
        memory = json.loads(text) if text is not None else {}
    except ValueError:
        return None
    return memory if isinstance(memory, dict) else None


def make_top(top: Path, user: str) -> None:
    """Make the user's directory: what is above it is root's."""
    if not top.is_dir():
        top.mkdir(mode=0o750, parents=True)
        os.chown(top, pwd.getpwnam(user).pw_uid, grp.getgrnam(user).gr_gid)


def write(
    params: dict[str, Any], recalled: dict[str, str] | None, *, check: bool
) -> dict[str, Any]:
    """Bring all files to their wanted state, as the user; return Ansible's result.

    ``recalled`` maps each file of ours to the digest of what was written last; None: forgotten.
    """
    writer = Writer(Path(params["directory"]), check=check)
    memory = recalled or {}
    kept: list[str] = []
    diffs: list[dict[str, str]] = []
    stamp = time.strftime("%Y-%m-%dT%H-%M-%S")
    wanted: dict[str, str | None] = dict.fromkeys(memory)
    wanted.update(params["ours"])
    writer.directory(writer.top)
    for name, text in wanted.items():
        path = writer.top / name
        current = read(path)
        if current == text:
            continue
        # Nobody knows any more whether it was edited: then it is kept too.
        forgotten = current is not None and recalled is None
        if current is not None and (forgotten or edited(current, memory.get(name))):
            copy = kept_name(path, stamp)
            kept.append(str(copy))
            if not check:
                path.rename(copy)
        if text is not None:
            writer.file(path, text)
        else:
            writer.written.append(str(path))
            if not check:
                path.unlink(missing_ok=True)
        diffs.append(
            {
                "before_header": str(path),
                "after_header": str(path),
                "before": current or "",
                "after": text or "",
            }
        )
    for name in params["directories"]:
        writer.directory(writer.top / name)
    for name, text in params["theirs"].items():
        if not os.path.lexists(writer.top / name):
            writer.file(writer.top / name, text)
    return {"changed": bool(writer.written), "written": writer.written, "kept": kept, "diff": diffs}


def run(module: AnsibleModule) -> dict[str, Any]:
    """Bring all files to their wanted state; return Ansible's result."""
    params = module.params
    memory_file = Path(params["memory"])
    recalled = recall(memory_file)
    top = Path(params["directory"])
    made = not top.is_dir()
    if made and module.check_mode:
        result = write(params, {}, check=True)  # there is nothing yet, perhaps not even the user
    else:
        make_top(top, params["user"])
        result = as_user(params["user"], lambda: write(params, recalled, check=module.check_mode))
    now = {name: digest(text) for name, text in params["ours"].items()}
    if now != recalled and not module.check_mode:
        whole_file.write(memory_file, json.dumps(now, indent=2) + "\n", mode=0o644)
    for copy_name in result["kept"]:
        module.warn(
            f"A file of the appliance's had been edited by hand: the edit is kept as {copy_name}; "
            "put it into packages/site.yaml, which is the owner's."
        )
    return {**result, "changed": result["changed"] or made}


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "user": {"type": "str", "required": True},
            "memory": {"type": "path", "required": True},
            "directories": {"type": "list", "elements": "str", "default": []},
            "ours": {"type": "dict", "required": True},
            "theirs": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"Home Assistant's configuration was not written: {error}.")


if __name__ == "__main__":
    main()
