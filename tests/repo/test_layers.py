"""The package has layers: what is imported is lower, and there is one way to write a file."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.repo.checkout import ROOT

PACKAGE = ROOT / "files/hems/src/hems"
# Beside whole_file.py itself: SQLite makes its copy by itself, which is then put in its place; so
# is a directory; and an undone update puts databases back as the services' users.
OWN = {"whole_file.py", "keeper.py", "play.py", "snapshot.py"}


def part(module: str) -> str:
    """Return the part of the package that ``hems.x.y`` belongs to: x."""
    return module.split(".")[1]


def imported(path: Path) -> set[str]:
    """Return the parts that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "hems":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hems."):
            found.add(part(str(node.module)))
        elif isinstance(node, ast.Import):
            found |= {part(alias.name) for alias in node.names if alias.name.startswith("hems.")}
    return found


def graph() -> dict[str, set[str]]:
    """Return the parts of the package and, of each, those that it imports."""
    parts: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        parts.setdefault(name, set()).update(imported(path))
    return {name: needs & parts.keys() - {name} for name, needs in parts.items()}


def test_no_import_runs_upwards() -> None:
    # Two parts that import each other, also by way of others, have no order.
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_a_file_is_written_whole_in_one_way() -> None:
    # Its siblings forgot the directory, the mode or the sync, each another one.
    code = [PACKAGE, ROOT / "playbooks", *ROOT.glob("roles/*/library"), *ROOT.glob("roles/*/files")]
    own = re.compile(r"os\.replace|mkstemp|\.new['\"]")
    found = {
        str(path.relative_to(ROOT))
        for folder in [*code, *ROOT.glob("roles/*/module_utils")]
        for path in folder.rglob("*.py")
        if own.search(path.read_text()) and path.name not in OWN
    }
    assert found == set()
