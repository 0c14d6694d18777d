# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Make a release: a tag that an operator signs, once everything about it is in order."""

from __future__ import annotations

import re
from pathlib import Path

from hems import HemsError
from hems.update.core import is_release
from hems.update.git import Repository

from playbooks.fleet.checkout import Checkout, CommandError, FleetError, run

CHANGELOG = "CHANGELOG.md"


def changes(changelog: str, name: str) -> str:
    """Return what the changelog says of a release.

    Raises FleetError when it has no section of it, or an empty one.
    """
    heading = rf"^## \[?v?{re.escape(name.removeprefix('v'))}\]?(?=\s|$).*\n"
    begin = re.search(heading, changelog, re.MULTILINE)
    if begin is None:
        raise FleetError(
            f"{CHANGELOG} has no section '## {name}': write there what owners and engineers notice."
        )
    text = re.split(r"^## ", changelog[begin.end() :], maxsplit=1, flags=re.MULTILINE)[0].strip()
    if not text:
        raise FleetError(f"{CHANGELOG} says nothing below '## {name}': write what has changed.")
    return text


def release(checkout: Checkout, name: str, checks: str, signers: Path) -> str:
    """Check, tag, sign, verify and push a release of what is checked out; return its commit.

    ``checks`` is the command that proves it. Raises FleetError.
    """
    if not is_release(name):
        raise FleetError(f"'{name}' is not a release's name: use one like v1.2.3 or v1.2.3-rc.1.")
    ref = f"refs/tags/{name}"
    if checkout.on_server(ref) or checkout.has(ref):
        raise FleetError(f"{name} exists already, and a release never moves: use the next name.")
    if checkout.git("status", "--porcelain"):
        raise FleetError("The checkout has changes that are not committed: commit or undo them.")
    words = changes((checkout.path / CHANGELOG).read_text(encoding="utf-8"), name)
    commit = checkout.git("rev-parse", "HEAD")
    key = checkout.signing_key()
    try:
        run("bash", "-c", checks, where=checkout.path)
    except CommandError as error:
        raise FleetError(f"{name} is not released, because its tests fail: {error}.") from error
    if checkout.git("rev-parse", "HEAD") != commit or checkout.git("status", "--porcelain"):
        raise FleetError(
            f"{name} is not released: the checkout changed during its tests. Run it again."
        )
    options = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={key}"]
    message = f"{name}\n\n{words}\n".encode()
    try:
        # verbatim: the changelog's headings begin with '#', which git takes for comments
        tag = ["tag", "--sign", "--cleanup=verbatim", "--file=-", name, commit]
        checkout.git(*options, *tag, given=message)
    except CommandError as error:
        raise FleetError(f"{name} can't be signed: {error}. Is the key in ssh-agent?") from error
    try:
        Repository(checkout.path).release(name, signers)
        checkout.push(ref, ref)
    except (HemsError, FleetError) as error:
        checkout.git("tag", "--delete", name)  # so that the next try finds nothing in its way
        raise FleetError(f"{name} is not released. {error}") from error
    return commit
