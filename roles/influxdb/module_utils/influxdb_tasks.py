# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Keep InfluxDB's own Flux tasks as their files say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible.module_utils.influxdb_api import Answer

Do = Callable[[str, Callable[[], Any]], None]  # says what is done, and does it unless in check mode
# asks as the operator: method, path, the right statuses; any other raises
Ask = Callable[..., Answer]

MOST = "500"  # tasks in one answer, the server's limit


@dataclass(frozen=True)
class Task:
    """A task that must be there: its name, which its text gives it, and its text."""

    name: str
    flux: str


def keep(ask: Ask, organization: str, wanted: Sequence[Task], owned: str, do: Do) -> None:
    """Make the missing tasks, correct those whose text is another or that are stopped.

    Those whose names begin with ``owned`` and that are not wanted are deleted, and so is the second
    of one name.
    """
    params = {"orgID": organization, "limit": MOST}
    # A server without tasks (501) has none to delete.
    answer = ask("GET", "/api/v2/tasks", *((200,) if wanted else (200, 501)), params=params)
    listed = answer.body.get("tasks", []) if answer.status == 200 else []
    texts = {task.name: task.flux for task in wanted}
    seen = set()
    for one in listed:
        link = f"/api/v2/tasks/{one['id']}"
        if one["name"] in texts and one["name"] not in seen:
            seen.add(one["name"])
            body = {"flux": texts[one["name"]], "status": "active"}
            if any(one.get(key) != value for key, value in body.items()):
                do(f"updated task {one['name']}", partial(ask, "PATCH", link, 200, body=body))
        elif one["name"] in texts or (owned and one["name"].startswith(owned)):
            do(f"deleted task {one['name']}", partial(ask, "DELETE", link, 204))
    for task in wanted:
        if task.name not in seen:
            body = {"orgID": organization, "flux": task.flux, "status": "active"}
            do(f"made task {task.name}", partial(ask, "POST", "/api/v2/tasks", 201, body=body))
