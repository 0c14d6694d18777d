#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Write several rendered templates in one call."""

from __future__ import annotations

import grp
import os
import pwd
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: rendered_files
short_description: Write several rendered templates in one call
description:
  - A loop of ansible.builtin.template costs a round trip for every file; this is one for all.
  - The action plugin of the same name renders C(templates/<path>.j2) of the role for every path.
  - Directories that are missing are made (root, 0755). Every file is replaced in one step.
  - Nothing is written when one of the files does not pass its check.
options:
  files:
    description: >-
      Path to its attributes: C(owner), C(group) (both root), C(mode) (V('0644')), C(template)
      (where it is not the path), C(validate) (a command whose C(%s) is the new file).
      C(content) comes from the action plugin.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Configure the broker
  rendered_files:
    files:
      /etc/mosquitto/mosquitto.conf: {}
      /etc/mosquitto/acl: {owner: mosquitto, mode: '0600'}
"""

RETURN = r"""
written:
  description: The files that changed.
  type: list
  elements: str
  returned: always
"""


class File:
    """One file as it should be."""

    def __init__(self, path: str, attributes: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.content = str(attributes["content"])
        self.owner = str(attributes.get("owner", "root"))
        self.group = str(attributes.get("group", "root"))
        self.mode = int(str(attributes.get("mode", "0644")), 8)
        self.validate = str(attributes.get("validate", ""))

    def current(self) -> str | None:
        """Return the text that is there now, or None."""
        try:
            return self.path.read_text()
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
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        with os.fdopen(handle, "w") as stream:
            stream.write(self.content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chown(name, *ids)
        os.chmod(name, self.mode)
        return Path(name)

    def diff(self) -> dict[str, str]:
        """Return what --diff shows."""
        return {
            "before": self.current() or "",
            "after": self.content,
            "before_header": str(self.path),
            "after_header": str(self.path),
        }


def write(module: AnsibleModule, files: list[File]) -> None:
    """Stage and check all files, then put them in their places."""
    staged: list[tuple[Path, File]] = []
    try:
        # One by one: what is staged when a later one fails must be taken away again.
        for file in files:
            staged.append((file.stage(), file))  # noqa: PERF401
        for new, file in staged:
            if not file.validate:
                continue
            code, output, error = module.run_command(file.validate.replace("%s", str(new)))
            if code:
                module.fail_json(
                    msg=f"The new {file.path} does not pass its check and was not written: "
                    f"{(error or output).strip()}"
                )
        for new, file in staged:
            new.replace(file.path)
    finally:
        for new, _ in staged:
            new.unlink(missing_ok=True)


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={"files": {"type": "dict", "required": True}}, supports_check_mode=True
    )
    files = [File(path, attributes) for path, attributes in module.params["files"].items()]
    different = [file for file in files if not file.is_current()]
    diff = [file.diff() for file in different]
    if not module.check_mode:
        try:
            write(module, different)
        except KeyError as error:
            module.fail_json(msg=f"There is no such user or group here: {error.args[0]}")
    module.exit_json(changed=bool(different), written=[str(f.path) for f in different], diff=diff)


if __name__ == "__main__":
    main()
