# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Say in a ring's file which release its sites take, and how many of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hems.update.core import MALFORMED, UNSIGNED, WRONGLY_SIGNED, Refused, Ring, parse, path_of
from hems.update.git import RINGS, Repository

from playbooks.fleet.checkout import Checkout, FleetError, run
from playbooks.preflight.variables import RINGS as ORDER

BRANCH = f"refs/heads/{RINGS}"
ACTIONS = ("promote", "halt", "resume")


@dataclass(frozen=True)
class Wish:
    """What the operator asks for."""

    ring: str
    action: str = "promote"
    release: str = ""  # empty: the release of the ring before; for canary the ring's own
    percentage: int | None = None  # None: all
    days: int = 60  # until the file has to be renewed
    despite: str = ""  # why, where a check is passed over


@dataclass(frozen=True)
class Rings:
    """The rings as the server has them."""

    checkout: Checkout
    signers: Path

    def at(self, ring: str, commit: str = BRANCH) -> Ring | None:
        """Return a ring's file; None when the ring has none. Raises Refused."""
        if not self.checkout.has(f"{commit}:{path_of(ring)}"):
            return None
        return Repository(self.checkout.path).ring(ring, self.signers, commit)

    def serial(self, ring: str) -> int:
        """Return the last serial also of a file whose signer is not one of today's."""
        if not self.checkout.has(f"{BRANCH}:{path_of(ring)}"):
            return 0
        content = Repository(self.checkout.path).file(BRANCH, path_of(ring))
        return parse(content, ring).serial

    def before_halt(self, ring: Ring) -> int:
        """Return the percentage that the release had before it was halted."""
        log = self.checkout.git("log", "--format=%H", BRANCH, "--", path_of(ring.ring))
        for commit in log.split():
            try:
                older = self.at(ring.ring, commit)
            except Refused:
                continue  # by a signer of old
            if older and older.release == ring.release and older.percentage:
                return older.percentage
        raise FleetError(f"Ring {ring.ring} never had {ring.release}: promote it first.")


def choose(wish: Wish, mine: Ring | None, before: Ring | None) -> str:
    """Return the release that a wish means; ``before``: the ring that has releases earlier.

    Raises FleetError when it may not be promoted yet. Pure.
    """
    place = ORDER.index(wish.ring)
    source = before if place else mine
    release = wish.release or (source.release if source else "")
    if not release:
        earlier = f"ring {ORDER[place - 1]} has no release yet" if place else "it has none yet"
        raise FleetError(f"Which release should ring {wish.ring} get? Name it ({earlier}).")
    if place and not wish.despite:
        ready = before is not None and before.release == release and before.percentage == 100
        if not ready and not (mine and mine.release == release):
            has = f"{before.release} at {before.percentage} %" if before else "nothing"
            raise FleetError(
                f"Ring {wish.ring} comes after {ORDER[place - 1]}, which has {has}: promote "
                f"{release} there to 100 % first, or give a reason not to with -e despite='…'."
            )
    return release


Unready = Callable[[str, str], list[str]]  # ring and release: what is in the way there


def _no_receipts(_ring: str, _release: str) -> list[str]:
    return []  # without a fleet server nobody tells


def promote(
    checkout: Checkout, wish: Wish, signers: Path, now: datetime, unready: Unready = _no_receipts
) -> Ring:
    """Sign and push the ring's next file; return it. Raises FleetError and Refused."""
    if wish.ring not in ORDER:
        raise FleetError(f"There is no ring '{wish.ring}': the rings are {', '.join(ORDER)}.")
    rings = Rings(checkout, signers)
    tip = checkout.on_server(BRANCH)
    if tip:
        checkout.fetch(BRANCH)
    elif checkout.has(BRANCH):
        raise FleetError("The server has lost its rings: push your branch 'rings' to it.")
    try:
        mine = rings.at(wish.ring)
    except Refused as error:
        if error.reason not in (UNSIGNED, WRONGLY_SIGNED, MALFORMED) or not wish.despite:
            raise
        mine = None  # its signer has left: only its serial counts
    if wish.action == "promote":
        place = ORDER.index(wish.ring)
        release = choose(wish, mine, rings.at(ORDER[place - 1]) if place else None)
        percentage = 100 if wish.percentage is None else wish.percentage
        renewed = mine is not None and mine.release == release
        if place and not renewed and not wish.despite:
            _ask(ORDER[place - 1], release, unready)
    else:
        if mine is None:
            raise FleetError(
                f"Ring {wish.ring} has no release to halt or resume: promote one first."
            )
        release = mine.release
        percentage = 0 if wish.action == "halt" else wish.percentage or rings.before_halt(mine)
    if not checkout.has(f"refs/tags/{release}") and checkout.on_server(f"refs/tags/{release}"):
        checkout.fetch(f"refs/tags/{release}")
    commit = Repository(checkout.path).release(release, signers)
    expires = (now + timedelta(days=wish.days)).replace(microsecond=0)
    ring = Ring(wish.ring, release, commit, percentage, rings.serial(wish.ring) + 1, expires)
    _publish(rings, ring, tip, wish.despite)
    return ring


def _ask(before: str, release: str, unready: Unready) -> None:
    """Raise FleetError while a site of the ring before is not well, or has not the release."""
    if found := unready(before, release):
        more = f", and {len(found) - 3} more" if len(found) > 3 else ""
        raise FleetError(
            f"Ring {before} is not ready to pass {release} on: {'; '.join(found[:3])}{more}. Look "
            "at playbooks/fleet_report.yml, or give a reason not to wait with -e despite='…'."
        )


def _publish(rings: Rings, ring: Ring, tip: str, despite: str) -> None:
    """Make a commit with the signed file on top of the server's ``tip``, and push it."""
    checkout, content = rings.checkout, ring.text()
    files = {path_of(ring.ring): content, f"{path_of(ring.ring)}.sig": checkout.signature(content)}
    with tempfile.TemporaryDirectory() as directory:
        index = {"GIT_INDEX_FILE": os.path.join(directory, "index")}
        if tip:
            run("git", "read-tree", tip, where=checkout.path, extra=index)
        for path, data in files.items():
            blob = checkout.git("hash-object", "-w", "--stdin", given=data)
            entry = f"100644,{blob},{path}"
            words = ["git", "update-index", "--add", "--cacheinfo", entry]
            run(*words, where=checkout.path, extra=index)
        tree = run("git", "write-tree", where=checkout.path, extra=index)
    message = f"{ring.ring}: {ring.release} for {ring.percentage} %, serial {ring.serial}\n"
    message += f"\nDespite a check: {despite}\n" if despite else ""
    parents = ["-p", tip] if tip else []
    commit = checkout.git("commit-tree", tree, *parents, given=message.encode())
    # What a box will read is read once more before it is handed out.
    if rings.at(ring.ring, commit) != ring:
        raise FleetError(f"The file of ring {ring.ring} can't be read back: check the disk.")
    checkout.push(commit, BRANCH)
    checkout.git("update-ref", BRANCH, commit)
