"""What stands in one place must not be written again: ports, paths, versions, variables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.repo.checkout import ROOT, read_yaml

GROUP_VARS = ROOT / "inventory/pilot/group_vars/all"

# These speak to people, or are about the well-known number itself.
PROSE = {".md"}
PRODUCT = (
    "roles/",
    "playbooks/",
    "files/",
    "molecule/",
    "inventory/",
    "tests/appliance/",
    "tests/virtual/",
)


def product(files: list[Path]) -> list[Path]:
    """Return the files that run, with the places where the values belong left out."""
    return [
        file
        for file in files
        if str(file.relative_to(ROOT)).startswith(PRODUCT)
        and file.suffix not in PROSE
        and not file.is_symlink()
        and file.parent != GROUP_VARS
        and not re.search(r"(requirements|lock).*\.(txt|toml|json)$", str(file))
    ]


def texts(files: list[Path]) -> dict[str, str]:
    """Return each file's text by its path from the top."""
    return {str(file.relative_to(ROOT)): file.read_text(errors="replace") for file in files}


def test_a_port_stands_once(files: list[Path]) -> None:
    # 22, 80 and 443 are ordinary numbers too: only those behind an address or a 'listen' count.
    ports = {port for name, port in read_yaml(GROUP_VARS / "ports.yml").items()}
    distinct = "|".join(str(port) for port in sorted(ports) if port > 1000)
    common = "|".join(str(port) for port in sorted(ports) if port < 1000)
    literal = re.compile(
        rf"(?<![\w.-])(?:{distinct})(?![\w.-])|(?:127\.0\.0\.1|localhost|listen ):?(?:{common})\b"
    )
    found = {
        f"{name}: {match.group()}"
        for name, text in texts(product(files)).items()
        for match in literal.finditer(text)
    }
    assert sorted(found) == []


def test_a_shared_path_stands_once(files: list[Path]) -> None:
    paths = read_yaml(GROUP_VARS / "paths.yml").values()
    literal = re.compile("|".join(rf"(?<![\w/.-]){re.escape(path)}(?![\w-])" for path in paths))
    # A module's EXAMPLES and a help text may show a path; what runs may not.
    found = {
        f"{name}: {match.group()}"
        for name, text in texts(product(files)).items()
        if not name.endswith(".py")
        for match in literal.finditer(text)
    }
    assert sorted(found) == []


def test_every_variable_that_is_used_exists(files: list[Path]) -> None:
    inventory = [file for file in files if str(file.relative_to(ROOT)).startswith("inventory/")]
    used, defined = set(), set()
    for file in inventory + [
        file for file in files if "/defaults/" in str(file) or "/vars/" in str(file)
    ]:
        if file.suffix != ".yml" or file.name == "hosts.yml":
            continue
        text = file.read_text()
        defined |= set(read_yaml(file) or {})
        # A commented name is a variable that a site may set.
        defined |= set(re.findall(r"^# (hems_\w+):", text, re.MULTILINE))
        used |= {
            name
            for expression in re.findall(r"\{\{.*?\}\}", text, re.DOTALL)
            for name in re.findall(r"\bhems_\w+", expression)
        }
    assert sorted(used - defined) == []


def test_every_variable_of_the_inventory_is_used(files: list[Path]) -> None:
    everything = "\n".join(texts(product(files)).values())
    names = {name for file in GROUP_VARS.glob("*.yml") for name in read_yaml(file)}
    # A path or port that only daemons read goes to them by its prefix.
    unused = {
        name
        for name in names
        if name not in everything and not name.startswith(("hems_port_", "hems_path_"))
    }
    assert sorted(unused) == []


@pytest.mark.parametrize(
    "name", sorted(file.name for file in GROUP_VARS.glob("*.yml") if file.name != "site.yml")
)
def test_the_virtual_pi_has_the_pilots_values(name: str) -> None:
    link = ROOT / "inventory/virtual/group_vars/all" / name
    assert link.is_symlink()
    assert link.resolve() == GROUP_VARS / name


def test_nothing_floats(files: list[Path]) -> None:
    floating = re.compile(r"state:\s*latest|:latest\b|version:\s*['\"]?latest")
    found = [name for name, text in texts(product(files)).items() if floating.search(text)]
    assert found == []


def test_locked_requirements_carry_hashes(files: list[Path]) -> None:
    locks = [file for file in files if file.suffix == ".txt" and "==" in file.read_text()]
    assert locks, "there is no lock at all"
    for lock in locks:
        pins = re.findall(r"^[A-Za-z0-9_.\[\]-]+==\S+", lock.read_text(), re.MULTILINE)
        blocks = re.findall(
            r"^[A-Za-z0-9_.\[\]-]+==.*?\\\n(?:\s+--hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+",
            lock.read_text(),
            re.MULTILINE,
        )
        assert len(pins) == len(blocks), lock


def test_our_modules_have_all_that_a_command_says(files: list[Path]) -> None:
    # AnsibleModule.run_command may lose it: module_utils/whole_output.py says why.
    modules = [file for file in files if file.parent.name in ("library", "module_utils")]
    users = [name for name, text in texts(modules).items() if ".run_command(" in text]
    assert modules and users == []
