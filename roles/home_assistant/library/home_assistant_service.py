#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Run Home Assistant with the configuration that is on disk and our config entries in it."""

from __future__ import annotations

import json
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.module_utils import started_with, unit_sandbox, whole_output
from ansible.module_utils.as_user import as_user
from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.home_assistant_files import load, look, save, wanted_entries
from ansible.module_utils.home_assistant_storage import (
    StorageError,
    merge_auth,
    merge_entries,
    merge_http,
    merge_onboarding,
)
from ansible.module_utils.started_with import Files, Record, is_stale

try:
    from ansible.module_utils.home_assistant_log_in import Http
    from ansible.module_utils.home_assistant_session import read_secret
    from hems.home_assistant import HomeAssistantError
except ImportError:
    HEMS_ERROR: str | None = traceback.format_exc()
else:
    HEMS_ERROR = None

DOCUMENTATION = r"""
module: home_assistant_service
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Merge our entries into Home Assistant's storage and (re)start it when needed
description:
  - Merges onboarding, HTTP settings and config entries into C(.storage), which Home Assistant
    rewrites itself, so it is stopped for that; nothing of the owner's in there is lost.
  - Restarts it when it does not run, when its storage had to change, or when it was started with
    other files than those in O(depends_on). What it was started with is remembered by content, so
    an interrupted play is finished by the next one, whatever the clock says.
  - Restarts it when it says that it is in recovery mode, which it never leaves by itself.
  - Checks the configuration first. One that would not start leaves Home Assistant running as it
    is and fails in one sentence that names file and line. The check imports an owner's code, so
    it runs in the sandbox that the unit has.
  - Reads and writes below O(directory) with the rights of O(user).
  - Runs on the interpreter of the installed hems package (C(ansible_python_interpreter)).
requirements: [hems]
options:
  unit:
    description: The systemd unit.
    type: str
    required: true
  user:
    description: The user that it runs as.
    type: str
    required: true
  owner:
    description: The owner's log-in name; that user is made the owner again where nobody is.
    type: str
    required: true
  directory:
    description: Home Assistant's configuration directory.
    type: path
    required: true
  root:
    description: Directory of the venvs and of check_config.py.
    type: path
    required: true
  host:
    description: Address that Home Assistant binds to, and from which the door's requests come.
    type: str
    default: 127.0.0.1
  port:
    description: TCP port that Home Assistant binds to.
    type: int
    required: true
  token_file:
    description: File of the token to ask it with; there is none before it has an owner.
    type: path
    required: true
  depends_on:
    description: Files, and directories of YAML files, whose change asks for a restart.
    type: list
    elements: path
    required: true
  entries:
    description: Config entries (C(domain), C(version), C(minor_version), C(title), C(data),
      C(match), perhaps C(options)); C(secrets) maps keys of C(data) to files on the Pi.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Run Home Assistant
  home_assistant_service:
    unit: home-assistant.service
    user: homeassistant
    owner: owner
    directory: /var/lib/home-assistant
    root: /opt/home-assistant
    port: "{{ hems_port_home_assistant }}"
    token_file: /etc/hems/secrets/home_assistant_token
    depends_on: [/var/lib/home-assistant/configuration.yaml]
    entries: []
  vars:
    ansible_python_interpreter: "{{ hems_path_opt }}/current/bin/python"
"""

RETURN = r"""
merged:
  description: The storage files that were changed.
  type: list
  elements: str
  returned: always
"""

Documents = dict[str, dict[str, Any]]


class ServiceError(Exception):
    """What stops the play, in one sentence."""


class Service:
    """One Home Assistant: its files and its unit."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.directory = Path(module.params["directory"])
        self.storage = self.directory / ".storage"
        self.root = Path(module.params["root"])
        self.venv = self.root / "current"

    def systemctl(self, *arguments: str) -> str:
        """Run systemctl; its failure ends the play."""
        code, out, err = whole_output.run(["systemctl", *arguments])
        if code:
            raise ServiceError(
                f"systemctl {' '.join(arguments)} failed: {' '.join(err.split())} "
                f"See `journalctl -u {self.params['unit']}`."
            )
        return str(out)

    def show(self) -> dict[str, str]:
        """Return what systemd says of the unit."""
        names = ("ActiveState", "UnitFileState", *started_with.PROPERTIES)
        properties = f"--property={','.join(names)}"
        text = self.systemctl("show", self.params["unit"], properties, started_with.TIMESTAMPS)
        return dict(line.split("=", 1) for line in text.splitlines())

    def is_current(self, files: Files) -> bool:
        """Tell whether it runs, will at boot, and has read the files that are there."""
        unit, record = self.show(), started_with.load(self.params["unit"])
        if (unit["ActiveState"], unit["UnitFileState"]) != ("active", "enabled"):
            return False
        offset = time.time() - time.monotonic()
        return not is_stale(files, record and record.files, record, unit, offset)

    def remember(self, files: Files) -> None:
        """Remember what the process that runs now was started with."""
        new = Record(self.show()["InvocationID"], files.fingerprint)
        if new != started_with.load(self.params["unit"]):
            started_with.save(self.params["unit"], new)

    def in_recovery_mode(self) -> bool:
        """Tell whether it says that it runs without its configuration."""
        try:
            token = read_secret(Path(self.params["token_file"]))
            status, config = Http(self.params["port"]).request("GET", "/api/config", token=token)
        except (HomeAssistantError, OSError, ValueError):
            return False  # no token yet, or it is starting: the set-up waits for it
        return status == 200 and bool(config.get("recovery_mode"))

    def documents(self) -> Documents:
        """Return the storage files that must change, as they should be."""
        now = datetime.now(UTC).isoformat()
        entries = wanted_entries(self.params["entries"])
        names = ("auth", "onboarding", "http", "core.config_entries")
        current = load(self.storage, names, self.params["user"])
        wanted = {
            "auth": merge_auth(current["auth"], self.params["owner"]),
            "onboarding": merge_onboarding(current["onboarding"]),
            "http": merge_http(current["http"], self.params["host"], self.params["port"], now),
            "core.config_entries": merge_entries(current["core.config_entries"], entries, now),
        }
        return {
            name: document
            for name, document in wanted.items()
            if document is not None and document != current[name]
        }

    def check(self) -> None:
        """Refuse a configuration that would not start."""
        python, program = self.venv / "bin/python", self.root / "check_config.py"
        try:
            said = unit_sandbox.run(
                self.params["unit"], [str(python), str(program), str(self.directory)]
            )
            report = json.loads([line for line in said.splitlines() if line[:1] == "{"][-1])
        except (unit_sandbox.SandboxError, ValueError, IndexError) as error:
            raise ServiceError(
                f"The check of Home Assistant's configuration itself failed: {error}. "
                "Look in custom_components/ for code that crashes or hangs."
            ) from None
        for warning in report["warnings"]:
            self.module.warn(f"Home Assistant's configuration: {warning}")
        if report["errors"]:
            raise ServiceError(
                f"Home Assistant's configuration is wrong and was not loaded: "
                f"{report['errors'][0]}. Correct that file (nothing was deleted) and run again."
            )

    def restart(self, files: Files) -> list[str]:
        """Start Home Assistant anew, merging storage while it is stopped."""
        self.systemctl("daemon-reload")
        self.systemctl("enable", "--quiet", self.params["unit"])
        if self.documents():
            self.systemctl("stop", self.params["unit"])
        try:
            # Stopping has written Home Assistant's own last changes.
            changed = self.documents()
            if changed:
                save(self.storage, changed, self.params["user"])
        finally:
            self.systemctl("restart", self.params["unit"])
        self.remember(files)
        # Where releases before this one kept the fingerprint
        (self.root / "environment").unlink(missing_ok=True)
        return sorted(changed)


def run(module: AnsibleModule) -> dict[str, Any]:
    """Bring Home Assistant up to what is wanted; return Ansible's result."""
    service = Service(module)
    if module.check_mode and not service.venv.exists():
        return {"changed": True, "merged": []}
    paths = [Path(path) for path in module.params["depends_on"]]
    files = Files(*as_user(module.params["user"], lambda: look(service.venv, paths)))
    different = sorted(service.documents())
    if service.is_current(files) and not different and not service.in_recovery_mode():
        if not module.check_mode:
            service.remember(files)
        return {"changed": False, "merged": []}
    if module.check_mode:
        return {"changed": True, "merged": different}
    service.check()
    return {"changed": True, "merged": service.restart(files)}


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "unit": {"type": "str", "required": True},
            "user": {"type": "str", "required": True},
            "owner": {"type": "str", "required": True},
            "directory": {"type": "path", "required": True},
            "root": {"type": "path", "required": True},
            "host": {"type": "str", "default": "127.0.0.1"},
            "port": {"type": "int", "required": True},
            "token_file": {"type": "path", "required": True, "no_log": False},
            "depends_on": {"type": "list", "elements": "path", "required": True},
            "entries": {"type": "list", "elements": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    if HEMS_ERROR and module.check_mode:  # the release that is to be installed brings it
        module.exit_json(changed=True, merged=[])
    if HEMS_ERROR:
        module.fail_json(msg=missing_required_lib("hems"), exception=HEMS_ERROR)
    try:
        module.exit_json(**run(module))
    except (ServiceError, StorageError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Home Assistant was not started: {error}. Run the playbook again.")


if __name__ == "__main__":
    main()
