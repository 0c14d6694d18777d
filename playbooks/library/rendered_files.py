#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Write several rendered templates in one call."""

from __future__ import annotations

import grp
import pwd
import shlex
from collections.abc import Mapping
from pathlib import Path

from ansible.module_utils import whole_file, whole_output
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: rendered_files
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Write several rendered templates in one call
description:
  - A loop of ansible.builtin.template costs a round trip for every file; this is one for all.
  - The action plugin of the same name adds each file's text.
  - Directories that are missing are made (root, 0755). Every file is replaced in one step.
  - Nothing is written when one of the files does not pass its check.
  - systemd is told of units that are another way on the card than it has read them, also when an
    interrupted run has written them.
options:
  files:
    description: The files.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Where the file goes.
        type: str
        required: true
      template:
        description: Its template; C(templates/<path>.j2) of the role where this is not said.
        type: str
      file:
        description: A file of C(files/) that is taken as it is, in place of a template.
        type: str
      owner:
        description: Its owner.
        type: str
        default: root
      group:
        description: Its group.
        type: str
        default: root
      mode:
        description: Its mode.
        type: str
        default: '0644'
      validate:
        description: >-
          A command that must succeed first; C(%s) is the new file. With C(%p) it is run once for
          all files of the call that have it, C(%p) being a word C(<path>=<new file>) for each.
        type: str
      content:
        description: Its text, from the action plugin.
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Configure the broker
  rendered_files:
    files:
      - {path: /etc/mosquitto/mosquitto.conf}
      - {path: /etc/mosquitto/acl, owner: mosquitto, mode: '0600'}
"""

RETURN = r"""
written:
  description: The files that changed.
  type: list
  elements: str
  returned: always
"""


UNITS = Path("/etc/systemd/system")
BOOTED = Path("/run/systemd/system")  # there where systemd is the first process


class File:
    """One file as it should be."""

    def __init__(self, attributes: Mapping[str, str | None]) -> None:
        self.path = Path(attributes["path"] or "")
        self.content = attributes["content"] or ""
        self.owner = attributes["owner"] or ""
        self.group = attributes["group"] or ""
        self.mode = int(attributes["mode"] or "", 8)
        self.validate = attributes.get("validate") or ""

    def current(self) -> str | None:
        """Return the text that is there now, or None.

        What a power cut left of it may be no text: then it is not the one that is wanted.
        """
        try:
            return self.path.read_text(errors="replace")
        except FileNotFoundError:
            return None

    def ids(self) -> tuple[int, int]:
        """Return the numbers of owner and group; KeyError when the system doesn't know one."""
        return pwd.getpwnam(self.owner).pw_uid, grp.getgrnam(self.group).gr_gid

    def is_current(self) -> bool:
        """Tell whether text, owner, group and mode are as they should be."""
        if self.current() != self.content:
            return False
        status = self.path.stat()
        try:
            ids = self.ids()
        except KeyError:
            return False
        return (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (*ids, self.mode)

    def stage(self) -> Path:
        """Write the new text beside the file and return where."""
        ids = self.ids()
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        staged: Path = whole_file.stage(self.path, self.content, mode=self.mode, owner=ids)
        return staged

    def diff(self) -> dict[str, str]:
        """Return what --diff shows."""
        return {
            "before": self.current() or "",
            "after": self.content,
            "before_header": str(self.path),
            "after_header": str(self.path),
        }


def checks(staged: list[tuple[Path, File]]) -> dict[str, list[str]]:
    """Return the commands to run, each with the paths that it judges."""
    found: dict[str, list[str]] = {}
    for new, file in staged:
        if "%p" in file.validate:
            same = [(one, other) for one, other in staged if other.validate == file.validate]
            pairs = " ".join(shlex.quote(f"{other.path}={one}") for one, other in same)
            found[file.validate.replace("%p", pairs)] = [str(other.path) for _, other in same]
        elif file.validate:
            found[file.validate.replace("%s", str(new))] = [str(file.path)]
    return found


def write(module: AnsibleModule, files: list[File]) -> None:
    """Stage and check all files, then put them in their places."""
    staged: list[tuple[Path, File]] = []
    try:
        # One by one: what is staged when a later one fails must be taken away again.
        for file in files:
            staged.append((file.stage(), file))  # noqa: PERF401
        for command, paths in checks(staged).items():
            code, output, error = whole_output.run(shlex.split(command))
            if code:
                module.fail_json(
                    msg=f"The new {' with '.join(paths)} does not pass its check and was not "
                    f"written: {(error or output).strip()}"
                )
        for new, file in staged:
            whole_file.put(new, file.path)
    finally:
        for new, _ in staged:
            new.unlink(missing_ok=True)


def units(files: list[File]) -> list[str]:
    """Return the names of the system's units that the files describe, drop-ins included."""
    described = [file.path for file in files if file.path.is_relative_to(UNITS)]
    names = {path.relative_to(UNITS).parts[0].removesuffix(".d") for path in described}
    return sorted(names)


def read_anew(module: AnsibleModule, names: list[str]) -> None:
    """Have systemd read its units where the card has others; a template of units is left out."""
    plain = [name for name in names if "@" not in name]
    if not plain or not BOOTED.exists():
        return
    show = ["systemctl", "show", "--property=NeedDaemonReload", "--value", *plain]
    _, needed, _ = whole_output.run(show)
    if "yes" in needed.split():
        code, _, error = whole_output.run(["systemctl", "daemon-reload"])
        if code:
            module.fail_json(msg=f"'systemctl daemon-reload' failed: {error.strip()}")


def main() -> None:
    """Run as an Ansible module."""
    text = {"type": "str"}
    attributes = {
        **{name: {**text, "required": True} for name in ("path", "content")},
        **{name: {**text, "default": "root"} for name in ("owner", "group")},
        **dict.fromkeys(("template", "file", "validate"), text),
        "mode": {**text, "default": "0644"},
    }
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "required": True, "options": attributes}
        },
        supports_check_mode=True,
    )
    files = [File(requested) for requested in module.params["files"]]
    different = [file for file in files if not file.is_current()]
    diff = [file.diff() for file in different]
    if not module.check_mode:
        try:
            write(module, different)
        except KeyError as error:
            module.fail_json(msg=f"There is no such user or group here: {error.args[0]}")
        read_anew(module, units(files))
    module.exit_json(changed=bool(different), written=[str(f.path) for f in different], diff=diff)


if __name__ == "__main__":
    main()
