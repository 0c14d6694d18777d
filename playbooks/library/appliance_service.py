#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Take a service off the box: its unit and its files."""

from __future__ import annotations

import os
from pathlib import Path

from ansible.module_utils import started_with, whole_output
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: appliance_service
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Make a role's service one of the appliance's, or take it off the box
description:
  - Writes the service's unit, its entry in C(services.d) and its locations in C(/etc/nginx/hems.d),
    each from the role's template of the same path where it has one, and each checked before it
    replaces the old one. Then it runs the unit on its current files, as M(unit_current) does.
  - With O(enabled=false) it stops the unit and removes all of this. A second run changes nothing;
    one that was interrupted is finished by the next.
  - The action plugin of the same name writes; this module removes.
options:
  name:
    description: The service; its drop-ins are called by it.
    type: str
    required: true
  unit:
    description: Its unit, with the suffix; C(<name>.service) where this is not said.
    type: str
  enabled:
    description: Whether the box has the service.
    type: bool
    default: true
  files:
    description: Further files of the service, as M(rendered_files) takes them.
    type: list
    elements: dict
    default: []
  reads:
    description: What the unit reads at its start beside these files; it restarts when one changes.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Run the example as one of the box's services
  appliance_service:
    name: example
    enabled: "{{ example_enabled }}"
"""

RETURN = r"""
removed:
  description: What was taken away.
  type: list
  elements: str
  returned: when the service is not enabled
"""


def remove(path: Path) -> None:
    """Remove a file, and have that on the card."""
    path.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "unit": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "path", "required": True},
        },
        supports_check_mode=True,
    )
    unit = module.params["unit"]

    def command(*words: str, wrong: bool = True) -> str:
        code, output, error = whole_output.run(words)
        if code and wrong:
            module.fail_json(msg=f"'{' '.join(words)}' failed: {error.strip()}")
        return str(output).strip()

    removed = []
    loaded = command("systemctl", "show", unit, "--property=LoadState", "--value") != "not-found"
    active = command("systemctl", "is-active", unit, wrong=False) not in ("inactive", "unknown")
    enabled = command("systemctl", "is-enabled", unit, wrong=False) == "enabled"
    if loaded and (active or enabled):
        removed.append(unit)
        if not module.check_mode:
            command("systemctl", "disable", "--now", unit)
            command("systemctl", "reset-failed", unit, wrong=False)
    if not module.check_mode:
        started_with.forget(unit)
    files = [path for path in map(Path, module.params["files"]) if os.path.lexists(path)]
    for path in files:
        removed.append(str(path))
        if not module.check_mode:
            remove(path)
    if files and not module.check_mode:
        command("systemctl", "daemon-reload")
    module.exit_json(changed=bool(removed), removed=removed)


if __name__ == "__main__":
    main()
