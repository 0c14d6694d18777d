#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Give the Pi its secrets: one root-only file each, from the Vault or made there."""

from __future__ import annotations

import glob
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from ansible.module_utils import whole_file
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.readable_secret import make

DOCUMENTATION = r"""
module: secret_files
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Keep one root-only file a secret, from a given value or made on the Pi
description:
  - A secret with a value is written when the file differs.
  - A secret without one is made once and then left alone; it never leaves the Pi.
  - A file whose name begins like a secret's of O(prefixes) and that is not asked for is removed.
  - No value and no hash is ever returned.
options:
  directory:
    description: The directory (made 0700, root).
    type: path
    required: true
  secrets:
    description:
      - File name to an object with an optional C(value).
      - With C(keep_before), what a new value replaces is kept as C(<name>_before).
    type: dict
    required: true
  prefixes:
    description: What the names of files begin with that are removed when nobody asks for them.
    type: list
    elements: str
    default: []
  length:
    description: Characters of a secret that is made here.
    type: int
    default: 24
"""

EXAMPLES = r"""
- name: Give the Pi its secrets
  secret_files:
    directory: /etc/hems/secrets
    secrets:
      owner_password: {value: "{{ hems_secret_owner_password | default(omit) }}"}
      mqtt_hems: {}
  no_log: true
  diff: false
"""

RETURN = r"""
made:
  description: Names of the secrets made or replaced in this run.
  type: list
  elements: str
  returned: always
removed:
  description: Names of the secrets removed in this run.
  type: list
  elements: str
  returned: always
"""

DIRECTORY_MODE = 0o700


def wanted(current: str | None, value: str | None, length: int) -> str:
    """Return what the file should hold: the given value, else what is there, else a new secret."""
    if value:
        return value
    return current or make(length)


def write(path: Path, secret: str) -> None:
    """Write the secret 0600 in one step that survives a power cut."""
    whole_file.write(path, secret + "\n")


def read(path: Path) -> str | None:
    """Return the secret without its newline, or None when there is no such file or it holds none.

    A power cut may have left it empty, full of zeros or of anything.
    """
    try:
        secret = path.read_text().removesuffix("\n")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return secret if secret and secret.isprintable() else None


def set_aside(path: Path) -> None:
    """Keep what is in the way of a new secret under a dated name."""
    if path.exists() and path.stat().st_size:
        path.rename(
            path.with_name(time.strftime(f"{path.name}.broken-%Y%m%dT%H%M%SZ", time.gmtime()))
        )


def replace(path: Path, secret: str, *, keep_before: bool) -> None:
    """Write a secret in the place of what is there; keep that as ``<name>_before`` if asked to."""
    current = read(path)
    if current is None:
        set_aside(path)
    elif keep_before:
        write(path.with_name(f"{path.name}_before"), current)
    write(path, secret)


def left_over(directory: Path, requested: Collection[str], prefixes: Iterable[str]) -> list[Path]:
    """Return the files of secrets that nobody asks for any more."""
    return sorted(
        path
        for prefix in prefixes
        for path in directory.glob(f"{glob.escape(prefix)}*")
        if path.name not in requested and ".broken-" not in path.name
    )


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "secrets": {"type": "dict", "required": True, "no_log": True},
            "prefixes": {"type": "list", "elements": "str", "default": []},
            "length": {"type": "int", "default": 24},
        },
        supports_check_mode=True,
    )
    directory = Path(module.params["directory"])
    requested: dict[str, dict[str, Any]] = module.params["secrets"]
    made = []
    exposed = directory.exists() and directory.stat().st_mode & 0o777 != DIRECTORY_MODE
    if not module.check_mode:
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        directory.chmod(DIRECTORY_MODE)
    for name, options in requested.items():
        path = directory / name
        current = read(path)
        secret = wanted(current, (options or {}).get("value"), module.params["length"])
        if secret == current:
            continue
        made.append(name)
        if not module.check_mode:
            replace(path, secret, keep_before=bool((options or {}).get("keep_before")))
    removed = left_over(directory, requested, module.params["prefixes"])
    if not module.check_mode:
        for path in removed:
            path.unlink()
    module.exit_json(
        changed=bool(made or removed) or exposed,
        made=sorted(made),
        removed=[path.name for path in removed],
    )


if __name__ == "__main__":
    main()
