"""The anatomy that every role shares."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repo.checkout import ROOT, read_yaml, roles

ALL = pytest.mark.parametrize("role", roles(), ids=lambda role: role.name)

SET = "ansible.builtin.set_fact"
# A page of documentation answers the same questions for every component.
HEADINGS = [
    "What it is",
    "How it is set up",
    "Where things are",
    "Day-to-day",
    "When it fails",
    "Versions and updates",
]


@ALL
def test_specification_and_defaults_have_the_same_keys(role: Path) -> None:
    defaults = read_yaml(role / "defaults/main.yml") or {}
    options = read_yaml(role / "meta/argument_specs.yml")["argument_specs"]["main"].get(
        "options", {}
    )
    assert sorted(options) == sorted(defaults)
    assert all(name.startswith(f"{role.name}_") for name in defaults)


@ALL
def test_a_default_is_written_once(role: Path) -> None:
    options = read_yaml(role / "meta/argument_specs.yml")["argument_specs"]["main"].get(
        "options", {}
    )
    assert [name for name, option in options.items() if "default" in option] == []
    assert [name for name, option in options.items() if not option.get("description")] == []


@ALL
def test_internals_are_marked(role: Path) -> None:
    internals = role / "vars/main.yml"
    if internals.exists():
        assert [
            name for name in read_yaml(internals) if not name.startswith(f"__{role.name}_")
        ] == []


def facts(tasks: Any) -> Iterator[str]:
    """Yield the names that tasks set for the tasks and plays after them."""
    if isinstance(tasks, list):
        for one in tasks:
            yield from facts(one)
    elif isinstance(tasks, dict):
        if name := tasks.get("register"):
            yield name
        yield from (one for one in tasks.get(SET, {}) if one != "cacheable")
        for key in ("tasks", "block", "rescue", "always"):
            yield from facts(tasks.get(key))


def test_what_a_play_finds_out_is_no_variable_of_the_next_one() -> None:
    """A playbook that plays site.yml twice has its names judged as if the site had set them."""
    files = [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")]
    found = {name for file in files for name in facts(read_yaml(file))}
    assert len(found) > 20
    assert [name for name in sorted(found) if not name.startswith("__")] == []


@ALL
def test_files_stay_small(role: Path) -> None:
    limits = {"defaults/main.yml": 60, "tasks/main.yml": 80, "README.md": 60}
    long = {
        name: lines
        for name, limit in limits.items()
        if (lines := len((role / name).read_text().splitlines())) > limit
    }
    assert long == {}


@ALL
def test_there_are_no_handlers(role: Path) -> None:
    # An interrupted play forgets what it told a handler; unit_current compares files.
    assert not (role / "handlers").exists()


@ALL
def test_a_page_answers_the_fixed_questions(role: Path) -> None:
    page = (ROOT / "docs" / f"{role.name}.md").read_text()
    found = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert [heading for heading in found if heading in HEADINGS] == HEADINGS


MODULES = [*ROOT.glob("playbooks/library/*.py"), *ROOT.glob("roles/*/library/*.py")]
LOOKUPS = [*ROOT.glob("playbooks/lookup_plugins/*.py"), *ROOT.glob("roles/*/lookup_plugins/*.py")]


@pytest.mark.parametrize("path", sorted(MODULES + LOOKUPS), ids=lambda path: path.stem)
def test_a_module_is_documented_in_full(path: Path) -> None:
    tree = ast.parse(path.read_text())
    texts = {
        target.id: yaml.safe_load(ast.literal_eval(node.value))
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
        if target.id in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    }
    page = texts["DOCUMENTATION"]
    assert page.get("module", page.get("name")) == path.stem
    assert {"author", "version_added", "short_description", "description"} <= page.keys()
    for name, option in page.get("options", {}).items():
        assert {"description", "type"} <= option.keys(), name
    assert texts["EXAMPLES"] and texts["RETURN"]


def test_roles_use_no_collection() -> None:
    # A box plays a release on itself with ansible-core alone.
    used = re.compile(r"\b(?:ansible\.posix|community|containers)\.[a-z_]+\.?[a-z_]*")
    found = {
        str(path.relative_to(ROOT))
        for role in roles()
        for path in role.rglob("*.yml")
        if used.search(path.read_text())
    }
    assert found == set()


def test_the_collections_used_are_those_required() -> None:
    required = {one["name"] for one in read_yaml(ROOT / "requirements.yml")["collections"]}
    modules = re.compile(r"^[ -]*(\w+\.\w+)\.\w+:(?: |$)", re.MULTILINE)
    used = {
        collection
        for place in ("roles", "playbooks", "molecule")
        for file in (ROOT / place).rglob("*.yml")
        for collection in modules.findall(file.read_text(encoding="utf-8"))
    }
    assert used - {"ansible.builtin"} == required
    assert "ansible.builtin" in used
