#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Tell how far Home Assistant's onboarding is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.home_assistant_files import load
from ansible.module_utils.home_assistant_storage import StorageError

DOCUMENTATION = r"""
module: home_assistant_onboarding
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Tell how far Home Assistant's onboarding is
description:
  - Reads the file in C(.storage) with the rights of O(user), and changes nothing.
options:
  directory:
    description: Home Assistant's configuration directory.
    type: path
    required: true
  user:
    description: The user that it runs as.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: See whether Home Assistant has an owner
  home_assistant_onboarding:
    directory: /var/lib/home-assistant
    user: homeassistant
"""

RETURN = r"""
done:
  description: The steps that are done; C(user) once there is an owner.
  type: list
  elements: str
  returned: always
"""


def steps(directory: Path, user: str) -> list[str]:
    """Return the steps that are done; none when the file is missing or damaged."""
    try:
        document: dict[str, Any] = load(directory / ".storage", ["onboarding"], user)[
            "onboarding"
        ] or {"data": {"done": []}}
        return [str(step) for step in document["data"]["done"]]
    except (OSError, StorageError, KeyError, TypeError):
        return []  # what reads it to write it names the damage


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "user": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    module.exit_json(changed=False, done=steps(Path(params["directory"]), params["user"]))


if __name__ == "__main__":
    main()
