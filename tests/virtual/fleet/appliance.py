"""The operator of a fleet whose repository is this very checkout."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass

from tests.virtual.fleet.world import World, git
from tests.virtual.pi.checkout import ROOT, STATE

VARIABLES = "inventory/virtual/group_vars/all"
GENERATED = f"{VARIABLES}/generated.yml"  # what this machine can't download; not in git
FLEET = f"{VARIABLES}/zz_here.yml"  # read after all others that stand there


@dataclass
class Operator(World):
    """Alice, with the appliance's repository; the one site is the virtual inventory's."""

    def begin(self, **variables: object) -> None:
        """Make server, key and checkout: this one's files, and the fleet's variables."""
        git(self.path, "init", "--quiet", "--bare", "--initial-branch=main", str(self.server))
        git(self.path, "clone", "--quiet", str(self.server), str(self.work))
        key = self.key("alice")
        self.trust(alice=key)
        listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in [*filter(None, listed.split("\0")), GENERATED]:
            source, target = ROOT / name, self.work / name
            if os.path.lexists(source):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)
        signers = [{"name": "alice@example.org", "key": key.strip()}]
        self.set(hems_fleet_signers=signers, **variables)
        self.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n")
        git(self.work, "add", "--force", "--ignore-errors", "--all", VARIABLES)
        self.commit("Begin")
        # where ssh's settings for the Pi are, as the virtual inventory says
        (self.work / ".cache").mkdir()
        (self.work / ".cache/virtual").symlink_to(STATE)

    def write(self, name: str, text: str) -> None:
        """Write one of the checkout's files."""
        (self.work / name).write_text(text, encoding="utf-8")

    def set(self, **variables: object) -> None:
        """Give variables of all sites other values; JSON is YAML."""
        path = self.work / FLEET
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.write(FLEET, json.dumps({**before, **variables}, indent=1))

    def replace(self, name: str, old: str, new: str) -> None:
        """Change a place that a file has once."""
        text = (self.work / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times"
        self.write(name, text.replace(old, new))

    def restore(self, commit: str) -> None:
        """Have everything as in an older commit, but for what the changelog says."""
        git(
            self.work,
            "checkout",
            "--quiet",
            commit,
            "--",
            "playbooks",
            "roles",
            "files",
            "inventory",
        )
