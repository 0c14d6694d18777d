# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Read an inventory's variable files for what Ansible hides: where a value stands, and how."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SUFFIXES = ("", ".yml", ".yaml", ".json")  # what Ansible reads
ENCRYPTED = "$ANSIBLE_VAULT"


class _Loader(yaml.SafeLoader):
    """YAML as Ansible reads it; a Vault value is None."""


for _tag in ("!vault", "!vault-encrypted", "!unsafe"):
    _Loader.add_constructor(_tag, lambda _loader, _node: None)


@dataclass(frozen=True)
class VariableFile:
    """A file of ``group_vars`` or ``host_vars``."""

    path: Path
    kind: str  # group_vars or host_vars
    owner: str  # the group or the host


@dataclass(frozen=True)
class Definition:
    """One variable as a file sets it."""

    where: str  # file:line
    value: Any  # None for a Vault value
    written: str  # the text of a plain (unquoted) scalar, else empty
    comment: str  # what follows a plain scalar on its line, from '#', else empty


def variable_files(inventory: Path) -> list[VariableFile]:
    """Return the files of an inventory's directory, in the order in which Ansible reads them."""
    found = []
    for kind in ("group_vars", "host_vars"):
        for top in sorted(inventory.glob(f"{kind}/*")):
            files = sorted(top.rglob("*")) if top.is_dir() else [top]
            owner = top.name if top.is_dir() else top.stem
            found += [
                VariableFile(file, kind, owner)
                for file in files
                if file.is_file() and file.suffix in SUFFIXES and not file.name.startswith(".")
            ]
    return found


def yaml_problem(path: Path, name: str) -> str | None:
    """Return one sentence when a file can't be read as YAML; ``name`` is what to call it."""
    try:
        text = path.read_text(encoding="utf-8")
        if not text.startswith(ENCRYPTED):
            yaml.compose(text, Loader=_Loader)
    except UnicodeDecodeError:
        return f"{name} is not UTF-8: save it in that encoding."
    except OSError as error:
        return f"{name} can't be read ({error.strerror}): check the file and its permissions."
    except yaml.YAMLError as error:
        return _yaml_sentence(error, text, name)
    return None


def _yaml_sentence(error: yaml.YAMLError, text: str, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return f"{name} can't be read as YAML: it contains a control character; remove it."
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    where = f"{name}, line {mark.line + 1}"
    if "\t" in line:
        return f"{where} has a tab, which YAML does not allow: use spaces instead."
    reason = getattr(error, "problem", None) or "it ends too early"
    return f"{where} can't be read as YAML ({reason}): look at its indent, quotes and colons."


def definitions(text: str, name: str) -> dict[str, Definition]:
    """Return the variables of a file's text; of one that is no YAML, or encrypted, none."""
    if text.startswith(ENCRYPTED):
        return {}
    loader = _Loader(text)
    try:
        document = loader.get_single_node()
        if not isinstance(document, yaml.MappingNode):
            return {}
        lines = text.splitlines()
        return {
            str(key.value): _definition(loader, key, value, lines, name)
            for key, value in document.value
        }
    except yaml.YAMLError:
        return {}
    finally:
        loader.dispose()


def _definition(
    loader: _Loader, key: yaml.Node, value: yaml.Node, lines: list[str], name: str
) -> Definition:
    comments = [
        comment.group(1)
        for scalar in _plain_scalars(value)
        if (comment := re.match(r"\s+(#.*)", lines[scalar.end_mark.line][scalar.end_mark.column :]))
    ]
    plain = isinstance(value, yaml.ScalarNode) and value.style is None
    return Definition(
        f"{name}:{key.start_mark.line + 1}",
        loader.construct_object(value, deep=True),
        value.value if plain else "",
        comments[0] if comments else "",
    )


def _plain_scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        if node.style is None and node.start_mark.line == node.end_mark.line:
            yield node
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _plain_scalars(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _plain_scalars(value)


def read_definitions(
    inventory: Path, host: str, groups: Iterable[str], base: Path
) -> Mapping[str, Definition]:
    """Return what the files say of one host; its own win over its groups', those over ``all``'s.

    ``base`` is the directory that files are named from.
    """
    order = ["all", *sorted(groups, key=lambda group: (group != "hems", group))]
    of_groups = {("group_vars", group): rank for rank, group in enumerate(order)}
    ranks = {**of_groups, ("host_vars", host): len(order)}
    found: dict[str, Definition] = {}
    files = [file for file in variable_files(inventory) if (file.kind, file.owner) in ranks]
    for file in sorted(files, key=lambda file: ranks[file.kind, file.owner]):
        try:
            text = file.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # yaml_problem tells
        found |= definitions(text, shown(file.path, base))
    return found


def shown(path: Path, base: Path) -> str:
    """Return how to name a file to somebody who works in ``base``."""
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)
