"""Pure core of the lock generator: from manifests to the list of requirements.

Home Assistant's integrations name their Python requirements in ``manifest.json``; what starts
without being named is written in ``homeassistant/bootstrap.py``. Both are read from the wheel's
files and nothing of it is executed: the controller's Python is older than the wheel's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

# The sets of homeassistant.bootstrap whose members start on every box.
BOOTSTRAP_SETS = (
    "CORE_INTEGRATIONS",
    "LOGGING_AND_HTTP_DEPS_INTEGRATIONS",
    "FRONTEND_INTEGRATIONS",
    "STAGE_0_INTEGRATIONS",
    "STAGE_1_INTEGRATIONS",
    "DEFAULT_INTEGRATIONS",
)
# A manifest with one of these keys loads the integration that does the discovering
# (homeassistant.requirements.DISCOVERY_INTEGRATIONS).
DISCOVERY = {
    "dhcp": "dhcp",
    "mqtt": "mqtt",
    "ssdp": "ssdp",
    "zeroconf": "zeroconf",
    "homekit": "zeroconf",
}

Manifest = Mapping[str, Any]


class ClosureError(Exception):
    """The wheel's files do not look as this generator knows them."""


def string_set(node: ast.expr, names: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Evaluate a literal of strings: sets, tuples, lists, stars, names and differences of them.

    Nested tuples (``("recorder", {"recorder"}, None)``) give the members of their sets.
    """
    match node:
        case ast.Constant(value=str() as text):
            return frozenset({text})
        case ast.Constant():
            return frozenset()
        case ast.Set(elts=elts) | ast.List(elts=elts):
            return frozenset().union(*(string_set(elt, names) for elt in elts))
        case ast.Tuple(elts=elts) if any(isinstance(e, (ast.Set, ast.Name)) for e in elts):
            # A substage of STAGE_0: its label and time-out are no integrations.
            sets = [e for e in elts if isinstance(e, (ast.Set, ast.Name))]
            return frozenset().union(*(string_set(e, names) for e in sets))
        case ast.Tuple(elts=elts):
            return frozenset().union(*(string_set(elt, names) for elt in elts))
        case ast.Starred(value=value):
            return string_set(value, names)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return string_set(left, names) - string_set(right, names)
        case ast.Name(id=name):
            return names.get(name, frozenset())
    raise ClosureError(f"cannot read {ast.unparse(node)} as a set of strings")


def assigned_sets(source: str, known: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return every module-level ``NAME = <literal of strings>`` of a Python file."""
    names = dict(known)
    for statement in ast.parse(source).body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                try:
                    names[name] = string_set(value, names)
                except ClosureError:
                    continue
    return names


def enum_values(source: str, class_name: str) -> frozenset[str]:
    """Return the string values of an enumeration, e.g. of all entity platforms."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.ClassDef) and statement.name == class_name:
            return frozenset(
                item.value.value
                for item in statement.body
                if isinstance(item, ast.Assign)
                and isinstance(item.value, ast.Constant)
                and isinstance(item.value.value, str)
            )
    raise ClosureError(f"no class {class_name}")


def bootstrap_integrations(bootstrap: str, platforms: str) -> frozenset[str]:
    """Return what starts on every box, from the text of the two files that say so."""
    base = {"BASE_PLATFORMS": enum_values(platforms, "EntityPlatforms")}
    names = assigned_sets(bootstrap, base)
    missing = [name for name in BOOTSTRAP_SETS if not names.get(name)]
    if missing:
        raise ClosureError(f"homeassistant.bootstrap has no {', '.join(missing)} any more")
    return frozenset().union(*(names[name] for name in BOOTSTRAP_SETS))


def closure(seeds: Iterable[str], manifests: Mapping[str, Manifest]) -> list[str]:
    """Return the seeds and all that they may load, sorted.

    ``after_dependencies`` count in full: Home Assistant imports them when they are present, and a
    missing requirement there is an ERROR line at start.
    """
    done: set[str] = set()
    todo = sorted(seeds)
    while todo:
        domain = todo.pop()
        if domain in done:
            continue
        if domain not in manifests:
            raise ClosureError(f"integration {domain} is not in this release of Home Assistant")
        done.add(domain)
        manifest = manifests[domain]
        todo += manifest.get("dependencies", [])
        # An after-dependency may be a custom integration's name: then it is not there to load.
        todo += [name for name in manifest.get("after_dependencies", []) if name in manifests]
        todo += [integration for key, integration in DISCOVERY.items() if key in manifest]
    return sorted(done)


def requirements(domains: Iterable[str], manifests: Mapping[str, Manifest]) -> list[str]:
    """Return the pinned requirements of these integrations, each once, sorted."""
    return sorted(
        {line for domain in domains for line in manifests[domain].get("requirements", [])},
        key=str.lower,
    )


def normalized(requirement: str) -> str:
    """Return the package's name as the index writes it (PEP 503)."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise ClosureError(f"no package name in {requirement!r}")
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def constraints(lines: Iterable[str], overridden: Iterable[str]) -> list[str]:
    """Return Home Assistant's own constraints without those for packages that we override."""
    names = {normalized(item) for item in overridden}
    kept = []
    for line in lines:
        text = line.split("#", 1)[0].strip()
        if text and normalized(text) not in names:
            kept.append(text)
    return kept
