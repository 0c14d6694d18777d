# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The controller's half of rendered_files: renders each path's template of the role."""

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
        render = lookup_loader.get(
            "ansible.builtin.template", loader=self._loader, templar=self._templar
        )
        files = {}
        for path, attributes in self._task.args["files"].items():
            given = dict(attributes or {})
            template = given.pop("template", f"{path.lstrip('/')}.j2")
            (content,) = render.run([template], variables=task_vars)
            files[path] = {**given, "content": content}
        result: dict[str, Any] = self._execute_module(
            module_name="rendered_files", module_args={"files": files}, task_vars=task_vars
        )
        return result
