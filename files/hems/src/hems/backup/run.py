"""Make a backup, read it back, and say how it went. ``python -m hems.backup.run`` is the timer's.

The appliance's lock is held while the parts are gathered, not while they travel: the watchdog
restarts nothing under it.
"""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hems import HemsError, lock
from hems.backup import BackupError, RefusedError, core, gather, status
from hems.backup.box import Box, box
from hems.backup.core import Snapshot
from hems.backup.gather import MANIFEST, Manifest
from hems.backup.status import Status

WORK = "backup"
LOCK_SECONDS = 1800.0  # that a converge or an update may take
STAGING = status.DIRECTORY / "staging"


def once(this: Box, directory: Path = status.DIRECTORY) -> None:
    """Make a backup, prove it, forget old ones. Raises HemsError.

    What the backup lacks is an error too, once the rest of it is stored.
    """
    before = status.read(directory)
    host = this.appliance.site.hostname
    kept = _opened(this, before, directory)
    made = datetime.now(UTC)
    if problem := core.clock_problem(made, kept[-1].time if kept else None):
        raise BackupError(problem)
    try:
        manifest = _gathered(this, made, first=not kept)
        snapshot = this.restic.add(STAGING, host, made)
    finally:
        shutil.rmtree(STAGING, ignore_errors=True)
    this.restic.check()
    prove(this, snapshot, whole=core.is_directory(this.backup.repository))
    lacking = " ".join(gather.listed(manifest))
    if not lacking:
        proven = status.utc(made)
        now = status.read(directory)
        status.write(msgspec.structs.replace(now, proven=proven, snapshot=snapshot), directory)
    if not this.backup.append_only:
        try:
            this.restic.forget(host)
        except RefusedError as error:  # what was stored is no worse for it
            print(error, file=sys.stderr)
    if lacking:
        raise BackupError(lacking)


def prove(this: Box, snapshot: str, *, whole: bool) -> Manifest:
    """Read a backup back, ``whole`` or its manifest alone. Raises BackupError."""
    found = read_manifest(this, snapshot)
    if not whole:
        return found
    copies = this.restic.copies(snapshot, STAGING)
    copies.pop(MANIFEST, None)
    if wrong := core.differences(found.files, copies):
        raise BackupError(
            f"The backup {snapshot[:8]} is not what was stored ({', '.join(wrong[:5])}): "
            "'sudo hems backup list' shows the others."
        )
    return found


def read_manifest(this: Box, snapshot: str) -> Manifest:
    """Return what is in a backup. Raises BackupError."""
    try:
        return msgspec.json.decode(this.restic.text(snapshot, STAGING / MANIFEST), type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupError(
            f"The backup {snapshot[:8]} has no list of its content ({error}): "
            "'sudo hems backup list' shows the others."
        ) from error


def _opened(this: Box, before: Status, directory: Path) -> list[Snapshot]:
    """Return the backups at the destination, a place for them made where there is none yet."""
    place = this.backup.repository
    if core.is_directory(place):
        _look_at_disk(Path(place))
    found = this.restic.id()
    if not found and before.repository:
        raise BackupError(
            f"The backups at {place} are gone: put their disk back, or begin anew there with "
            f"'sudo rm {directory / status.FILE}' and 'sudo hems backup now'."
        )
    if not found:
        this.restic.begin()
        found = this.restic.id()
    if found != before.repository:
        status.write(msgspec.structs.replace(before, repository=found), directory)
    this.restic.unlock()
    return this.restic.snapshots(this.appliance.site.hostname)


def _look_at_disk(place: Path) -> None:
    """Refuse a directory on the box's own disk: mostly the other one is not plugged in."""
    there = next(path for path in (place, *place.parents) if path.exists())
    if there.stat().st_dev == status.DIRECTORY.stat().st_dev:
        raise BackupError(
            f"{place} is on the box's own disk: plug in the disk for backups and mount it there."
        )
    if not os.access(there, os.W_OK):
        raise BackupError(f"{there} can't be written: look at how its disk is mounted.")


def _gathered(this: Box, made: datetime, *, first: bool) -> Manifest:
    site = this.appliance.site
    place = this.backup.repository
    with lock.appliance_lock(this.appliance.paths.lock, WORK, wait_seconds=LOCK_SECONDS):
        wanted = gather.wanted_bytes(this.backup)
        problem = core.room_problem(free(status.DIRECTORY), wanted, "the box's own disk")
        if not problem and core.is_directory(place):
            # Of what is there already, only what is new is stored.
            problem = core.room_problem(free(Path(place)), wanted if first else 0, place)
        if problem:
            raise BackupError(problem)
        return gather.gather(
            this.backup, this.influx, gather.swept(STAGING), (site.name, site.hostname), made
        )


def free(place: Path) -> int:
    """Return how many bytes are free at a place, or at the nearest directory above it."""
    there = next(path for path in (place, *place.parents) if path.exists())
    seen = os.statvfs(there)
    return seen.f_bavail * seen.f_frsize


def main() -> int:
    """Do it for the timer; what went wrong is told by the status file, and is no crash."""
    directory = status.DIRECTORY
    problem = ""
    try:
        once(box())
    except HemsError as error:
        problem = str(error)
        print(problem, file=sys.stderr)
    now = status.utc(datetime.now(UTC))
    status.write(
        msgspec.structs.replace(status.read(directory), tried=now, problem=problem), directory
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
