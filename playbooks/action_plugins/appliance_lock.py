# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The controller's half of appliance_lock: says who asks, and knows a dead play."""

from __future__ import annotations

import os
import socket
from typing import Any

from ansible.plugins.action import ActionBase


def is_dead(holder: dict[str, Any], controller: str) -> bool:
    """Tell whether the holder was a play of this controller whose process is gone."""
    if holder.get("by") != controller or not holder.get("pid"):
        return False
    try:
        os.kill(int(holder["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class ActionModule(ActionBase):
    """Run the module with the controller's name and this play's process id."""

    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Take or free the lock; take it over from an interrupted play of this controller."""
        super().run(tmp, task_vars)
        # A task runs in a worker that the play's process forked.
        arguments = {**self._task.args, "by": socket.gethostname(), "pid": os.getppid()}
        result = self._lock(arguments, task_vars)
        if result.get("failed") and is_dead(result.get("holder", {}), arguments["by"]):
            result = self._lock({**arguments, "take_over": True}, task_vars)
        return result

    def _lock(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            module_name="appliance_lock", module_args=arguments, task_vars=task_vars
        )
        return result
