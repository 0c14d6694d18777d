# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Find what can't be right between the sites of a fleet."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from playbooks.preflight.sources import shown, variable_files, yaml_problem
from playbooks.preflight.variables import RINGS

RING_GROUPS = tuple(f"ring_{ring}" for ring in RINGS)
Groups = Mapping[str, Collection[str]]  # each group's hosts


def _near(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f" (did you mean {near[0]}?)" if near else ""


def inventory_problems(
    sources: Iterable[str], groups: Groups, base: Path, decrypt_problem: Callable[[Path, str], str]
) -> list[str]:
    """Return one sentence for each thing that is wrong with an inventory's files.

    ``sources`` is what -i names, ``base`` the directory that files are named from.
    ``decrypt_problem`` tells, of a file that is encrypted as a whole and its owner, why it can't
    be read, or an empty text.
    """
    problems: list[str] = []
    for source in map(Path, sources):
        if not source.exists():  # a list of hosts, as in -i localhost,
            continue
        inventory = source if source.is_dir() else source.parent
        for file in variable_files(inventory):
            name = shown(file.path, base)
            if problem := yaml_problem(file.path, name) or decrypt_problem(file.path, file.owner):
                problems.append(problem)
        problems += _strays(inventory, groups, base)
    if not any(hosts for hosts in groups.values()):
        problems.append(
            "The inventory has no site: list one in its hosts.yml, or name the right inventory "
            "with -i (docs/inventory.md)."
        )
    return problems


def _strays(inventory: Path, groups: Groups, base: Path) -> Iterator[str]:
    """Yield a sentence for each directory or file of variables that belongs to nobody."""
    hosts = {host for group in groups.values() for host in group}
    known: Mapping[str, Collection[str]] = {"host_vars": hosts, "group_vars": set(groups)}
    tops = {
        (file.kind, file.owner): inventory
        / file.kind
        / file.path.relative_to(inventory / file.kind).parts[0]
        for file in variable_files(inventory)
    }
    for (kind, owner), top in tops.items():
        if owner not in known[kind]:
            what = "host" if kind == "host_vars" else "group"
            yield (
                f"{shown(top, base)} belongs to no {what} of the inventory"
                f"{_near(owner, known[kind])}: name it as hosts.yml does, or remove it."
            )


def too_many_problem(sites: Collection[str], limit: str | None, all_sites: bool) -> str | None:
    """Return a sentence when a play without -l would touch more than one site.

    ``limit`` is -l's value, None without one.
    """
    if limit is not None or all_sites or len(sites) < 2:
        return None
    return (
        f"This play would run on all {len(sites)} sites at once: name one with -l <site>, "
        f"a ring with -l {RING_GROUPS[0]}, or say -e all_sites=true."
    )


def ring_problem(host: str, groups: Groups) -> str | None:
    """Return a sentence when a host is in two rings, or in a group that only looks like one."""
    mine = sorted(group for group, hosts in groups.items() if host in hosts)
    rings = [group for group in mine if group in RING_GROUPS]
    unknown = [group for group in mine if group.startswith("ring_") and group not in RING_GROUPS]
    choice = f"put it in exactly one of {', '.join(RING_GROUPS)} in hosts.yml."
    if unknown:
        return f"{host} is in {unknown[0]}, which is not a ring: {choice}"
    if len(rings) > 1:
        return f"{host} is in {len(rings)} rings ({', '.join(rings)}): {choice}"
    return None


def same_name_problem(host: str, hostname_of: Mapping[str, object]) -> str | None:
    """Return a sentence when another site has this one's ``hems_hostname``."""
    hostname = hostname_of[host]
    others = sorted(
        other for other, name in hostname_of.items() if other != host and name == hostname
    )
    if not others:
        return None
    return (
        f"{host} has the same hems_hostname as {', '.join(others)} ({hostname}): "
        "give each site its own; the play finds the box by it."
    )
