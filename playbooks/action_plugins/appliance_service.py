# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Make a role's service one of the appliance's, or take it off the box without a trace."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

# Where a service's drop-ins are, and what checks each before it replaces the old one. A role
# brings those that it needs as templates of the same paths.
UNIT = "/etc/systemd/system/{unit}"
ENTRY = "{hems_path_services}/{name}.toml", "etc/hems/services.d/{name}.toml.j2"
DOOR = ("hems.d/{name}.conf", "hems.d/http/{name}.conf", "hems.d/stream/{name}.conf")
CHECK_ENTRY = "{hems_path_opt}/current/bin/python -I -m hems.services %s"
CHECK_DOOR = "/usr/local/sbin/hems-nginx-check %p"


class ActionModule(ActionBase):
    """Write files, unit, entry and locations and run the unit; or the reverse."""

    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return whether anything changed, and the diff of the files."""
        super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            {
                "name": {"type": "str", "required": True},
                "unit": {"type": "str"},
                "enabled": {"type": "bool", "default": True},
                "files": {"type": "list", "elements": "dict", "default": []},
                "reads": {"type": "list", "elements": "path", "default": []},
            }
        )
        self._task_vars = task_vars
        name = arguments["name"]
        unit = arguments["unit"] or f"{name}.service"
        files = [*arguments["files"], *self._drop_ins(name, unit)]
        if arguments["enabled"]:
            return self._run_it(unit, files, arguments["reads"])
        paths = [file["path"] for file in files]
        return self._module("appliance_service", {"unit": unit, "files": paths})

    def _run_it(self, unit: str, files: list[dict[str, Any]], reads: list[str]) -> dict[str, Any]:
        task = self._task.copy()
        task.args = {"files": files}
        action = self._shared_loader_obj.action_loader.get(
            "rendered_files",
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        written: dict[str, Any] = action.run(task_vars=self._task_vars)
        if written.get("failed"):
            return written
        ran = self._module("unit_current", {"name": unit, "files": reads})
        changed = bool(written.get("changed") or ran.get("changed"))
        return {**written, **ran, "changed": changed, "diff": written.get("diff", [])}

    def _module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            module_name=name, module_args=arguments, task_vars=self._task_vars
        )
        return result

    def _drop_ins(self, name: str, unit: str) -> list[dict[str, Any]]:
        """Return the drop-ins of which the role has a template, each with its check."""
        known = {key: self._value(key) for key in ("hems_path_services", "hems_path_opt")}
        path, template = (part.format(name=name, **known) for part in ENTRY)
        if not self._has(template):
            raise AnsibleActionFail(f"The role has no templates/{template}: every service has one.")
        found = [{"path": path, "template": template, "validate": CHECK_ENTRY.format(**known)}]
        if self._has(f"{UNIT.format(unit=unit).lstrip('/')}.j2"):
            found.append({"path": UNIT.format(unit=unit)})
        locations = [f"etc/nginx/{part.format(name=name)}" for part in DOOR]
        return found + [
            {"path": f"/{location}", "validate": CHECK_DOOR}
            for location in locations
            if self._has(f"{location}.j2")
        ]

    def _has(self, template: str) -> bool:
        paths = (self._task_vars or {}).get("ansible_search_path") or []
        return any(os.path.isfile(os.path.join(top, "templates", template)) for top in paths)

    def _value(self, name: str) -> str:
        return str(self._templar.template((self._task_vars or {})[name]))
