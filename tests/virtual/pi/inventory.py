"""The virtual site's plain variables, read without a YAML parser: .venv may not exist yet."""

from __future__ import annotations

import re
from functools import cache

from tests.virtual.pi.checkout import INVENTORY, Failure

# `name: value` with or without quotes and a comment; templates and lists are not for here.
_SCALAR = re.compile(
    r"""^(?P<name>\w+):\s+(?P<quote>["']?)(?P<value>[^"'\n#]+?)(?P=quote)\s*(?:#.*)?$"""
)


@cache
def variables() -> dict[str, str]:
    """Every scalar of group_vars/all, later files over earlier ones as in Ansible."""
    found = {}
    for path in sorted((INVENTORY / "group_vars" / "all").glob("*.yml")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if match := _SCALAR.match(line):
                found[match["name"]] = match["value"]
    return found


def value(name: str) -> str:
    """One variable; Failure when the inventory has no such scalar."""
    try:
        return variables()[name]
    except KeyError:
        raise Failure(f"inventory/virtual gives no {name}") from None


def port(name: str) -> int:
    """The port number that `hems_port_<name>` gives."""
    return int(value(f"hems_port_{name}"))
