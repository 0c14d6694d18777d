"""A fleet in a directory: a server's repository, an operator's checkout, keys, real git and ssh."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hems.update.core import Ring
from hems.update.git import Repository, Source

from playbooks.fleet.checkout import Checkout
from playbooks.fleet.promote import Wish, promote
from playbooks.fleet.release import release
from playbooks.fleet.signers import allowed_signers

NOW = datetime.now(UTC)
ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Alice",
    "GIT_AUTHOR_EMAIL": "alice@example.org",
    "GIT_COMMITTER_NAME": "Alice",
    "GIT_COMMITTER_EMAIL": "alice@example.org",
}


def git(where: Path, *words: str, given: str = "") -> str:
    """Run git as the operator does."""
    return subprocess.run(
        ["git", *words],
        cwd=where,
        env=ENVIRONMENT,
        input=given,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@dataclass
class World:
    """The parties of an update."""

    path: Path

    @property
    def server(self) -> Path:
        return self.path / "server.git"

    @property
    def work(self) -> Path:
        return self.path / "work"

    @property
    def signers(self) -> Path:
        return self.path / "allowed_signers"

    @property
    def source(self) -> Source:
        return Source(str(self.server))

    def make(self) -> World:
        """Make server, checkout and Alice's key."""
        git(self.path, "init", "--quiet", "--bare", "--initial-branch=main", str(self.server))
        git(self.path, "clone", "--quiet", str(self.server), str(self.work))
        (self.work / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n")
        self.commit("Begin")
        self.trust(alice=self.key("alice"))
        return self

    def key(self, name: str) -> str:
        """Make somebody's key; return the public one."""
        file = self.path / name
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file)]
        subprocess.run(words, check=True)
        return file.with_suffix(".pub").read_text()

    def trust(self, **keys: str) -> None:
        """Say who may sign."""
        people = [{"name": f"{name}@example.org", "key": key} for name, key in keys.items()]
        self.signers.write_text(allowed_signers(people))

    def commit(self, words: str) -> str:
        """Commit everything in the checkout and push it; return the commit."""
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--allow-empty", "--message", words)
        git(self.work, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        return git(self.work, "rev-parse", "HEAD")

    def checkout(self, who: str = "alice") -> Checkout:
        """The operator's checkout with somebody's key."""
        return Checkout(self.work, "origin", str(self.path / who))

    def release(self, name: str, who: str = "alice", checks: str = "true") -> str:
        """Write the changelog, commit and release; return the commit."""
        changelog = self.work / "CHANGELOG.md"
        text = changelog.read_text().replace("## Unreleased\n", f"## Unreleased\n\n## {name}\nX.\n")
        changelog.write_text(text)
        self.commit(f"Say what {name} changes")
        return release(self.checkout(who), name, checks, self.signers)

    def promote(self, ring: str, who: str = "alice", **wish: object) -> Ring:
        """Hand out a release."""
        asked = Wish(ring, **wish)  # type: ignore[arg-type]
        return promote(self.checkout(who), asked, self.signers, NOW)

    def incoming(self) -> Repository:
        """What a box makes for each look at the server."""
        number = len(list(self.path.glob("incoming*")))
        return Repository.make(self.path / f"incoming{number}.git")

    def tag(self, name: str, commit: str, who: str = "alice", message: str = "x") -> None:
        """Make a signed tag by hand on the server, whatever is there."""
        options = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={self.path / who}"]
        words = ["tag", "--sign", "--force", "--message", message, name, commit]
        git(self.server, *options, *words)
