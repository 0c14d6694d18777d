# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Make a value a mapping with one key, for lists that Jinja's ``map`` makes.

A box plays releases with ansible-core alone, so the roles use no collection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def keyed(value: Any, key: str) -> dict[str, Any]:
    """Return ``{key: value}``."""
    return {key: value}


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name the filters."""
        return {"keyed": keyed}
