# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The controller's half of rendered_files: gives each path the text of its template or file."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader


class ActionModule(ActionBase):
    """Render all templates, then write the files in one module call."""

    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the module's result."""
        super().run(tmp, task_vars)
        files = []
        for requested in self._task.args["files"]:
            given = dict(requested)
            template = given.pop("template", f"{given['path'].lstrip('/')}.j2")
            if verbatim := given.pop("file", None):
                content = self._read("ansible.builtin.file", verbatim, task_vars, rstrip=False)
            else:
                content = self._read("ansible.builtin.template", template, task_vars)
            files.append({**given, "content": content})
        result: dict[str, Any] = self._execute_module(
            module_name="rendered_files", module_args={"files": files}, task_vars=task_vars
        )
        return result

    def _read(
        self, lookup: str, name: str, task_vars: dict[str, Any] | None, **options: Any
    ) -> str:
        """Return what the lookup finds for a name where the role's own tasks would look."""
        plugin = lookup_loader.get(lookup, loader=self._loader, templar=self._templar)
        return str(plugin.run([name], variables=task_vars, **options)[0])
