"""Root stays out of the directories that a service may write.

Whoever runs code as that service can put a link wherever root is about to read or write there, and
root would follow it. What must be done in there is done with the service's rights
(``hems/as_user.py``, which modules have as ``module_utils/as_user.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repo.checkout import ROOT, read_yaml, roles, tracked

# The services' directories, by their names in paths.yml; others are literals.
NAMES = {
    "hems_path_state",
    "hems_path_run",
    "hems_path_home_assistant_config",
    "hems_path_influxdb",
    "hems_path_mosquitto",
}
LITERALS = ("/var/lib/hass-configurator", "/run/hems-leds", "/run/hems/")

# Modules that are given such a path, and why that is no danger.
CAREFUL = {
    "home_assistant_config": "does its work with as_user",
    "home_assistant_onboarding": "does its work with as_user",
    "home_assistant_service": "does its work with as_user",
    "ansible.builtin.uri": "asks a server, which may know it by that name",
    "ansible.builtin.user": "writes it into /etc/passwd and makes nothing there",
    "influxdb_setup": "names it in a sentence for people",
    "hems.zigbee.backups": "opens no link, and nothing that is not root's",
}
# Commands that a unit starts as root, and why that is no danger.
PRIVILEGED = {"/usr/local/sbin/hems-clock": "writes in /run and a directory of its own"}
MODULES = {
    path.stem
    for folder in ("roles/*/library", "playbooks/library", "playbooks/action_plugins")
    for path in ROOT.glob(f"{folder}/*.py")
}


def mentions(text: str, names: set[str]) -> bool:
    """Whether a text names one of the variables or one of the literal directories."""
    return any(re.search(rf"\b{name}\b", text) for name in names) or any(
        literal in text for literal in LITERALS
    )


def variables() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every variable of roles and inventory."""
    files = [*ROOT.glob("roles/*/defaults/main.yml"), *ROOT.glob("roles/*/vars/main.yml")]
    for path in [*files, *ROOT.glob("inventory/pilot/group_vars/**/*.yml")]:
        for name, value in (read_yaml(path) or {}).items():
            yield name, yaml.safe_dump(value)


def tainted() -> set[str]:
    """Return the variables that hold a path in a service's directory, however many steps away."""
    found = set(NAMES)
    while more := {
        name for name, text in variables() if name not in found and mentions(text, found)
    }:
        found |= more
    return found


def tasks(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield every task, also those in blocks and plays."""
    for entry in entries or []:
        nested = [entry.get(key, []) for key in ("block", "rescue", "always", "tasks")]
        if any(nested):
            for part in nested:
                yield from tasks(part)
        else:
            yield entry


def what(task: dict[str, Any]) -> tuple[str, str]:
    """Return the module's name (a program's where Python runs one of ours), and what it is told."""
    name = next(key for key in task if "." in key or key in MODULES)
    if name == "rendered_files" and isinstance(task[name]["files"], list):
        return name, str([file["path"] for file in task[name]["files"]])
    if name == "ansible.builtin.template":
        return name, str(task[name]["dest"])
    told = yaml.safe_dump(
        {key: value for key, value in task.items() if key not in ("name", "vars")}
    )
    program = re.search(r"__hems_python }} (hems\.[a-z_.]+) ", told)
    return program[1] if program else name, told


def test_no_task_of_roots_goes_in() -> None:
    names = tainted()
    assert {"home_assistant_config", "__home_assistant_depends_on"} <= names
    files = [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")]
    found = [(path, task, *what(task)) for path in files for task in tasks(read_yaml(path))]
    assert len(found) > 60
    assert [
        f"{path.relative_to(ROOT)}: {task.get('name')}"
        for path, task, module, told in found
        if module not in CAREFUL and mentions(told, names)
    ] == []


@pytest.mark.parametrize("name", [name for name, why in CAREFUL.items() if "as_user" in why])
def test_the_modules_that_go_in_go_as_that_user(name: str) -> None:
    (path,) = ROOT.glob(f"roles/*/library/{name}.py")
    helpers = path.parents[1] / "module_utils/home_assistant_files.py"
    text = path.read_text() + helpers.read_text()
    assert "as_user" in text
    # None of them gives anything to a user: who works as that user need not.
    assert "chown" not in text.replace("os.chown(top,", "")


def units() -> list[Path]:
    """Return our unit files and drop-ins."""
    return [path for path in tracked() if re.search(r"\.(service|service\.d/.*)\.j2$", str(path))]


@pytest.mark.parametrize("path", units(), ids=lambda path: str(path.relative_to(ROOT / "roles")))
def test_no_unit_does_anything_as_root_in_there(path: Path) -> None:
    text = path.read_text()
    commands = re.findall(r"^(?:Exec\w+)=(.*)$", text, re.MULTILINE)
    # + and ! start a command with more rights than the service has (systemd.service(5)).
    privileged = [line for line in commands if re.match(r"[-@:|]*[+!]", line)]
    assert [line for line in privileged if line.lstrip("-@:|+!").split()[0] not in PRIVILEGED] == []
    # One with CAP_SETUID becomes the directory's user first.
    if "User=" not in text and "CAP_SETUID" not in text and ".d/" not in str(path):
        writes = re.findall(r"^ReadWritePaths=(.*)$", text, re.MULTILINE)
        assert [line for line in [*commands, *writes] if mentions(line, tainted())] == []


def test_every_role_is_looked_at() -> None:
    assert len(roles()) >= 8
    assert len(units()) >= 8
