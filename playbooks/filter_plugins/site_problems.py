# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""What Ansible loads of playbooks/preflight for one site."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Ansible imports a plugin by its file alone: what it needs must be found from the repository's top.
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from playbooks.preflight import fleet, site, sources  # noqa: E402
from playbooks.preflight.names import Product  # noqa: E402


def site_problems(hostvars: Mapping[str, Any], host: str) -> list[str]:
    """Return one sentence for each mistake in a site's variables."""
    variables = hostvars[host]
    groups: fleet.Groups = variables["groups"]
    if host not in groups.get("hems", ()):
        if set(variables["group_names"]) - {"ungrouped"}:
            return []  # another machine of the fleet's
        return [f"{host} is in no group of hosts.yml: list it below one of the rings."]
    if problem := fleet.ring_problem(host, groups):
        return [problem]
    definitions: Mapping[str, sources.Definition] = {}
    if directory := variables.get("inventory_dir"):
        definitions = sources.read_definitions(
            Path(directory), host, variables["group_names"], Path.cwd()
        )
    problems = site.site_problems(variables, definitions, Product(ROOT))
    names = {other: hostvars[other].get("hems_hostname") for other in groups["hems"]}
    same = fleet.same_name_problem(host, names)
    return [*problems, *([same] if same else [])]


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name the filters."""
        return {"site_problems": site_problems, "too_many_problem": fleet.too_many_problem}
