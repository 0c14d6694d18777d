"""A service is one entry: what has to be touched outside of its role to have it, is three files.

Counted is what runs: roles, playbooks, the package and the pilot's variables. A service's own code
in the package (``hems/<name>/…``) is its own as its role is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.repo.checkout import ROOT, roles

MOST = 3
COUNTED = ("roles/", "playbooks/", "files/hems/src/", "inventory/pilot/group_vars/")
# What walks the services: none of these may know one by name.
WALKERS = (
    "files/hems/src/hems/probes.py",
    "files/hems/src/hems/cli/status.py",
    "files/hems/src/hems/door",
    "files/hems/src/hems/status",
    "files/hems/src/hems/watchdog/core.py",
    "files/hems/src/hems/watchdog/daemon.py",
    "files/hems/src/hems/watchdog/outside.py",
    "playbooks/action_plugins/appliance_service.py",
    "playbooks/library/appliance_service.py",
    "roles/nginx/templates/etc/nginx",
)
UNIT = re.compile(
    r"\b(mosquitto|influxdb|home-assistant|nginx|hass-configurator|hems-\w+)\.service\b"
)


@dataclass(frozen=True)
class Service:
    """A service's own places, and the words by which others would know it."""

    own: tuple[str, ...]
    words: str


EDITOR = Service(("roles/configurator/",), r"configurator|editor_down")


LINKY = Service(
    (
        "roles/linky/",
        "files/hems/src/hems/d2l/",
        "files/hems/src/hems/tic/",
        "files/hems/src/hems/linky/",
        "files/hems/src/hems/reports/d2l.py",
        "files/hems/src/hems/reports/tic.py",
        "files/hems/src/hems/cli/d2l.py",
        "files/hems/src/hems/cli/linky.py",
    ),
    r"linky|d2l|hems_tic|hems-tic|\btic_",
)


def touched(service: Service, files: Iterable[Path]) -> list[str]:
    """Return the files outside of the service's own places that know it."""
    found = []
    for file in files:
        name = str(file.relative_to(ROOT))
        if not name.startswith(COUNTED) or name.startswith(service.own) or file.suffix == ".md":
            continue
        if re.search(service.words, f"{name}\n{file.read_text(errors='replace')}", re.IGNORECASE):
            found.append(name)
    return found


BACKUP = Service(
    (
        "roles/backup/",
        "files/hems/src/hems/backup/",
        "files/hems/src/hems/reports/backup.py",
        "files/hems/src/hems/cli/backup.py",
    ),
    r"name: backup\b|hems_backup|hems-backup|hems\.backup|backup_(off|failed|old|unproven)",
)


RECEIPTS = Service(
    (
        "roles/receipts/",
        "files/hems/src/hems/receipts/",
        "files/hems/src/hems/reports/receipts.py",
        "files/hems/src/hems/cli/receipt.py",
    ),
    r"name: receipts\b|hems_receipt|hems-receipt|hems_secret_receipt|receipts_(off|undelivered)",
)
SERVICES = {"editor": EDITOR, "linky": LINKY, "backup": BACKUP, "receipts": RECEIPTS}


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_a_service_touches_few_files_beside_its_role(service: Service, files: list[Path]) -> None:
    found = touched(service, files)
    assert "playbooks/site.yml" in found, "nothing is found any more"
    assert len(found) <= MOST, found


def test_who_walks_the_services_knows_none_by_name(files: list[Path]) -> None:
    texts = {
        name: file.read_text(encoding="utf-8")
        for file in files
        if (name := str(file.relative_to(ROOT))).startswith(WALKERS) and file.suffix != ".html"
    }
    assert len(texts) > 15
    found = {
        f"{name}: {match.group()}" for name, text in texts.items() for match in UNIT.finditer(text)
    }
    assert sorted(found) == []


def test_every_entry_belongs_to_a_role_that_is_played() -> None:
    site = (ROOT / "playbooks/site.yml").read_text(encoding="utf-8")
    with_entries = [
        role.name for role in roles() if any(role.glob("templates/etc/hems/services.d/*.j2"))
    ]
    assert len(with_entries) >= 9
    assert [name for name in with_entries if f"name: {name}\n" not in site] == []
