#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Set kernel arguments and firmware options on a Raspberry Pi's boot partition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible.module_utils import whole_file
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: boot_firmware
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Set kernel arguments and firmware options on a Raspberry Pi's boot partition
description:
  - Adds to C(cmdline.txt) and C(config.txt) what is missing and leaves everything else as it is.
  - A box without these files (a PC, a container) is left alone.
  - Warns that a reboot is needed by looking at the kernel that runs, so that a reboot which was
    put off is asked for again.
  - "Source: raspberrypi.com/documentation/computers/config_txt.html, kernel-parameters.txt."
options:
  directory:
    description: The mounted boot partition.
    type: path
    required: true
  arguments:
    description: Kernel arguments that must be there, to the letter.
    type: list
    elements: str
    default: []
  settings:
    description: Kernel arguments of which there must be one, with this value.
    type: dict
    default: {}
  config:
    description: Lines that C(config.txt) must have in its C([all]) section.
    type: list
    elements: str
    default: []
  running:
    description: The arguments of the kernel that runs.
    type: path
    default: /proc/cmdline
"""

EXAMPLES = r"""
- name: Set the boot firmware's files
  boot_firmware:
    directory: /boot/firmware
    arguments: [cgroup_enable=memory]
    settings: {cfg80211.ieee80211_regdom: IE}
    config: [dtparam=watchdog=on]
"""

RETURN = r"""
reboot_needed:
  description: Whether the running system does not have the settings yet.
  type: bool
  returned: always
"""


def with_arguments(cmdline: str, arguments: Iterable[str], settings: Mapping[str, str]) -> str:
    """Return ``cmdline.txt``'s line with the arguments present and each setting there once."""
    words = cmdline.split()
    replaced = [word for word in words if word.split("=", 1)[0] not in settings]
    kept = (
        words if _has_all(words, settings) else replaced + [f"{k}={v}" for k, v in settings.items()]
    )
    # 'cgroup_disable=memory' would undo 'cgroup_enable=memory'.
    undone = {
        argument.replace("_enable=", "_disable=")
        for argument in arguments
        if "_enable=" in argument
    }
    kept = [word for word in kept if word not in undone]
    return " ".join([*kept, *(argument for argument in arguments if argument not in kept)])


def _has_all(words: list[str], settings: Mapping[str, str]) -> bool:
    return all(
        [word for word in words if word.startswith(f"{k}=")] == [f"{k}={v}"]
        for k, v in settings.items()
    )


def with_lines(config: str, lines: Iterable[str]) -> str:
    """Return ``config.txt`` with the lines in force for every model, so not below a ``[pi4]``."""
    section = "all"
    present = set()
    for line in (raw.strip() for raw in config.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif section == "all":
            present.add(line)
    missing = [line for line in lines if line not in present]
    if not missing:
        return config
    gap = "" if not config or config.endswith("\n") else "\n"
    return f"{config}{gap}\n[all]\n" + "".join(f"{line}\n" for line in missing)


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "arguments": {"type": "list", "elements": "str", "default": []},
            "settings": {"type": "dict", "default": {}},
            "config": {"type": "list", "elements": "str", "default": []},
            "running": {"type": "path", "default": "/proc/cmdline"},
        },
        supports_check_mode=True,
    )
    given = module.params
    cmdline, config = (Path(given["directory"]) / name for name in ("cmdline.txt", "config.txt"))
    if not (cmdline.exists() and config.exists()):
        module.exit_json(changed=False, reboot_needed=False)

    old = {path: path.read_text() for path in (cmdline, config)}
    new = {
        cmdline: with_arguments(old[cmdline], given["arguments"], given["settings"]) + "\n",
        config: with_lines(old[config], given["config"]),
    }
    changed = [path for path in new if new[path].split() != old[path].split()]
    if not module.check_mode:
        for path in changed:
            whole_file.write(path, new[path], mode=0o755)  # as FAT shows it
    running = Path(given["running"]).read_text()
    pending = with_arguments(running, given["arguments"], given["settings"]) != " ".join(
        running.split()
    )
    needed = bool(changed) or pending
    if needed:
        module.warn(f"Reboot this Pi when it suits: {cmdline} and {config} wait for a boot.")
    module.exit_json(changed=bool(changed), reboot_needed=needed)


if __name__ == "__main__":
    main()
