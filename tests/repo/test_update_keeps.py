"""An update that is undone puts back every file of root's that a role writes."""

from __future__ import annotations

import re

import yaml

from tests.repo.checkout import ROOT

# Debian packages are not undone, so neither is where they come from (docs/self_update.md).
LEFT = ("/etc/apt/",)
NO_BOX = "fleet_server"  # takes no releases itself
WRITTEN = re.compile(r"^ *- (?:\{)?path: (/[^ ,}]+)", re.MULTILINE)


def written() -> set[str]:
    """Return the literal paths that roles render files to."""
    roles = [path for path in ROOT.glob("roles/*") if path.name != NO_BOX]
    texts = [path.read_text() for role in roles for path in role.glob("vars/main.yml")]
    texts += [path.read_text() for role in roles for path in role.glob("tasks/*.yml")]
    return {path for text in texts for path in WRITTEN.findall(text)}


def test_what_roles_write_is_put_back_by_an_undone_update() -> None:
    defaults = yaml.safe_load((ROOT / "roles/self_update/defaults/main.yml").read_text())
    paths = yaml.safe_load((ROOT / "inventory/pilot/group_vars/all/paths.yml").read_text())
    kept = [str(paths.get(one.strip("{} "), one)) for one in defaults["self_update_keep"]]
    found = written()
    assert len(found) > 30  # the pattern still fits how roles write
    lost = {
        path
        for path in found
        if not path.startswith(LEFT) and not any(path.startswith(f"{one}/") for one in kept)
    }
    assert lost == set()
