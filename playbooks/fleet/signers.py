# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The people whose signature counts, as ssh-keygen and git read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# What a key may sign: tags (git's own name space) and ring files.
NAMESPACES = "git,hems-ring"


def allowed_signers(signers: Iterable[Mapping[str, str]]) -> str:
    """Return ``hems_fleet_signers`` in the format of ssh-keygen(1), "ALLOWED SIGNERS"."""
    return "".join(
        f'{one["name"]} namespaces="{NAMESPACES}" {" ".join(one["key"].split()[:2])}\n'
        for one in signers
    )
