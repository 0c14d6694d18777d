"""A site as the pilot's inventory describes it, for the tests of playbooks/preflight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from playbooks.preflight.names import Product
from playbooks.preflight.site import site_problems
from playbooks.preflight.sources import Definition, definitions
from tests.unit.modules import ROOT

PRODUCT = Product(ROOT)


def good_site() -> dict[str, Any]:
    """Return its variables with their templates filled in."""
    variables: dict[str, Any] = {}
    for file in sorted((ROOT / "inventory/pilot/group_vars/all").glob("*.yml")):
        variables |= yaml.safe_load(file.read_text(encoding="utf-8"))
    return variables | {
        "hems_site_name": "Cork 1",
        "hems_hostname": "hems-cork-01",
        "hems_d2l_enabled": False,
        "hems_ring": "canary",
        "ansible_host": "hems-cork-01.local",
        "inventory_hostname": "cork_01",
    }


def problems(
    changes: Mapping[str, Any] | None = None, where: Mapping[str, Definition] | None = None
) -> list[str]:
    """Return what is wrong with the good site after these changes."""
    return site_problems(good_site() | dict(changes or {}), where or {}, PRODUCT)


def problems_of(text: str) -> list[str]:
    """Return what is wrong with the good site whose site.yml is this text."""
    found = definitions(text, "site.yml")
    return problems({name: definition.value for name, definition in found.items()}, found)
