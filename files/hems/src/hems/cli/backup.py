"""``hems backup``: make one, show what there is, try one, print the recovery words."""

from __future__ import annotations

import argparse
import os
import subprocess

from hems import HemsError, settings
from hems.backup import core, status, words
from hems.backup import run as work
from hems.backup.box import Box, box, passphrase
from hems.backup.restic import row_of
from hems.backup.status import Status
from hems.table import table
from hems.times import local

SUMMARY = "make a backup now, show and try those there are, print the recovery words (root only)"
ACTIONS = ("now", "list", "verify", "drill", "words")
UNIT, DRILL = "hems-backup.service", "hems-backup-drill.service"
HEADINGS = ("made", "id", "size", "")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "action",
        choices=ACTIONS,
        help="now: make one; list: show them; verify: read one back whole and compare it; "
        "drill: bring the newest back in throw-away places, and compare; "
        "words: print the words that open them, for paper",
    )
    parser.add_argument(
        "id", nargs="?", default="", help="the backup to verify, as 'list' shows it (the newest)"
    )


def run(options: argparse.Namespace) -> int:
    """Do it; 0 when all is well."""
    if options.action == "words":
        return _words()
    this = box()
    if options.action == "now":
        return _now()
    if options.action == "drill":
        return _drill()
    if options.action == "list":
        return _list(this)
    return _verify(this, options.id)


def _now() -> int:
    """Have the timer's own unit do it, in its sandbox, and say how it went."""
    found = _start(UNIT, "A backup is made; this takes some minutes …")
    if found.problem:
        raise HemsError(found.problem)
    print(f"The backup {found.snapshot[:8]} of {local(found.proven)} is made and was read back.")
    return 0


def _drill() -> int:
    """Have the drill's unit do it, and say what it found."""
    found = _start(DRILL, "The newest backup is tried out; this takes some minutes …")
    if found.unproven:
        raise HemsError(found.unproven)
    print("The newest backup would bring the box back: its readings, databases and configuration.")
    return 0


def _start(unit: str, line: str) -> Status:
    print(line, flush=True)
    if subprocess.run(["systemctl", "start", unit], check=False).returncode:
        raise HemsError(f"It was broken off: 'journalctl -u {unit}' says why.")
    return status.read()


def _list(this: Box) -> int:
    proven = status.read().snapshot
    found = this.restic.snapshots(this.appliance.site.hostname)
    if not found:
        print("There is no backup yet: 'sudo hems backup now' makes the first one.")
        return 1
    rows = [
        (
            local(one.time.isoformat()),
            one.id[:8],
            core.megabytes(one.bytes),
            "read back" if one.id == proven else "",
        )
        for one in found
    ]
    print("\n".join(table(HEADINGS, rows)))
    return 0


def _verify(this: Box, wanted: str) -> int:
    found = this.restic.snapshots(this.appliance.site.hostname)
    chosen = row_of(found, wanted)
    manifest = work.prove(this, chosen.id, whole=True)
    size = sum(copy.bytes for copy in manifest.files.values())
    print(
        f"The backup {chosen.id[:8]} of {local(manifest.made)} is whole: {len(manifest.files)} "
        f"files, {core.megabytes(size)}, each as it was."
    )
    for name, why in manifest.missing.items():
        print(f"It lacks {name}: {why}")
    return 1 if manifest.missing else 0


def _words() -> int:
    if os.geteuid() != 0:
        raise HemsError("Only root may do that: put 'sudo' before the command.")
    secret = passphrase(settings.appliance())
    print("\n".join(words.on_paper(secret)))
    print("Who has these words can read the backups; without them nobody can.")
    return 0
