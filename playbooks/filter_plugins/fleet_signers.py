# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""What Ansible loads of playbooks/fleet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Ansible imports a plugin by its file alone: what it needs must be found from the repository's top.
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from playbooks.fleet.signers import allowed_signers  # noqa: E402


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name the filters."""
        return {"allowed_signers": allowed_signers}
