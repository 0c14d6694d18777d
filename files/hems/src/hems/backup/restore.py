"""Bring a box, or parts of it, back from a backup.

A backup is fetched into root's own directory and compared with its manifest before anything of the
box is touched. A service's part is put back with that service's rights; what was there before stays
beside it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from hems import HemsError, lock, systemd
from hems.backup import BackupError, core, gather, put_back, readings, run, status
from hems.backup.backup_settings import Part
from hems.backup.box import Box, restored, secret
from hems.backup.core import Snapshot
from hems.backup.gather import READINGS, ROOT, Manifest
from hems.backup.influx import differing
from hems.backup.restic import row_of

WORK = "restore"
FETCHED = status.DIRECTORY / "restore"
# The playbook's, and what the watchdog knew of the other box; what the box reads its backups with.
LEFT_OUT = ("settings", "state")
OWN = ("backup_passphrase", "backup_account")
PASSWORD = "influxdb_password"
TRIES = 2  # InfluxDB calls a restore done that has failed

Say = Callable[[str], None]


def everything(this: Box, wanted: str, say: Say) -> None:
    """Make this box the one of a backup (its id begins so; empty: the newest). Raises HemsError."""
    parts = tuple(one.name for one in this.backup.parts if one.name not in LEFT_OUT)
    with lock.appliance_lock(this.appliance.paths.lock, WORK):
        manifest = fetch(this, wanted, (READINGS, *parts), say)
        try:
            if manifest.missing:
                say("This backup lacks " + ", ".join(manifest.missing) + ".")
            units = [one.unit for one in this.backup.parts if one.unit]
            with stopped(units, say):
                for part in this.backup.parts:
                    if part.name not in LEFT_OUT:
                        _part(part, say)
                if READINGS not in manifest.missing:
                    _readings(this, manifest, say)
            _renew(say)
        finally:
            shutil.rmtree(FETCHED, ignore_errors=True)


def parts(this: Box, names: Sequence[str], wanted: str, say: Say) -> None:
    """Put single parts back; ``names`` are those of the settings. Raises HemsError."""
    chosen = [part for part in this.backup.parts if part.name in names]
    with lock.appliance_lock(this.appliance.paths.lock, WORK):
        manifest = fetch(this, wanted, names, say)
        try:
            if lacking := [name for name in names if name in manifest.missing]:
                raise BackupError(
                    f"This backup lacks {lacking[0]} ({manifest.missing[lacking[0]].rstrip('.')}): "
                    "take an older one, 'sudo hems backup list' shows them."
                )
            with stopped([one.unit for one in chosen if one.unit], say):
                for part in chosen:
                    _part(part, say)
            _renew(say)
        finally:
            shutil.rmtree(FETCHED, ignore_errors=True)


def history(this: Box, since: int, wanted: str, say: Say) -> int:
    """Add the readings of a backup from a time on (s since 1970); return how many it had.

    What was read since the backup stays. Raises HemsError.
    """
    with lock.appliance_lock(this.appliance.paths.lock, WORK):
        manifest = fetch(this, wanted, (READINGS,), say)
        try:
            place, known = FETCHED / READINGS, manifest.figures
            return readings.add(this.influx, place, known, since, say)
        finally:
            shutil.rmtree(FETCHED, ignore_errors=True)


def fetch(this: Box, wanted: str, names: Sequence[str], say: Say) -> Manifest:
    """Have parts of a backup in FETCHED, each file as it was. Raises BackupError."""
    found = this.restic.snapshots(this.appliance.site.hostname)
    chosen = row_of(found, wanted)
    try:
        manifest = run.read_manifest(this, chosen.id)
        mine = {
            name: copy
            for name, copy in manifest.files.items()
            if name.split("/")[0].removesuffix(".tar") in names
        }
        size = sum(copy.bytes for copy in mine.values())
        # The readings are unpacked beside what is there.
        room = core.room_problem(run.free(status.DIRECTORY), 2 * size, "the box's own disk")
        if room:
            raise HemsError(room.replace("The backup needs", "The restore needs"))
        say(f"The backup {chosen.id[:8]} of {manifest.made} is fetched ({core.megabytes(size)}) …")
        this.restic.fetch(chosen.id, run.STAGING, gather.swept(FETCHED), sorted(mine))
        if wrong := core.differences(mine, gather.copies(FETCHED)):
            raise BackupError(
                f"The backup {chosen.id[:8]} is damaged ({', '.join(wrong[:5])} is not as it was)."
            )
    except BackupError as error:
        shutil.rmtree(FETCHED, ignore_errors=True)
        raise BackupError(f"{error}{_older(found, chosen)}") from error
    return manifest


def _older(found: Sequence[Snapshot], chosen: Snapshot) -> str:
    before = [one for one in found if one.time < chosen.time]
    if not before:
        return " There is no older one."
    return (
        f" The next older one is of {before[-1].time.astimezone():%Y-%m-%d %H:%M}: "
        f"add '--id {before[-1].id[:8]}'."
    )


@contextmanager
def stopped(units: Sequence[str], say: Say) -> Iterator[None]:
    """Stop units, and have them started again however it ends."""
    try:
        for unit in units:
            say(f"{unit.removesuffix('.service')} is stopped …")
            systemd.stop(unit)
            if unit.endswith(".timer"):  # what it has started goes on by itself
                systemd.stop(unit.replace(".timer", ".service"))
        yield
    finally:
        for unit in reversed(units):
            systemd.order_restart(unit)


def _part(part: Part, say: Say) -> None:
    archive = FETCHED / f"{part.name}.tar"
    if not archive.is_file():
        return
    say(f"{part.name} is put back …")
    if part.user == ROOT:
        with tarfile.open(archive) as tar:
            inside = [one for one in tar if one.name not in OWN]
            part.directory.mkdir(mode=0o700, exist_ok=True)
            tar.extractall(part.directory, inside, filter="tar")
        return
    words = [sys.executable, "-I", put_back.__file__, str(part.directory)]
    words += [f"--exclude={one}" for one in part.excluded]
    with archive.open("rb") as given:
        gather.as_user(part.user, words, given=given)


def _readings(this: Box, manifest: Manifest, say: Say) -> None:
    """Put the readings back, until they are those of the backup. Raises HemsError."""
    say("The readings are put back …")
    account = this.appliance.accounts.influxdb, secret(this, PASSWORD)
    influx, known = restored(this), manifest.figures
    for tries_left in reversed(range(TRIES)):
        readings.replace(influx, this.backup.influxdb, FETCHED / READINGS, account)
        if known is None:
            say("Whether they are all is not known: InfluxDB gave no whole copy that night.")
            return
        there = influx.figures(influx.bucket, known.until)
        if not differing(known, there):
            count = sum(value for name, value in there.values.items() if "count_" in name)
            say(f"{count:.0f} values of readings are back, their sums as they were.")
            return
        if tries_left:
            say("They are not those of the backup: once more …")
    raise BackupError(
        "The readings that were put back are not those of the backup: counts or sums differ. "
        "Take an older one, 'sudo hems backup list' shows them."
    )


def _renew(say: Say) -> None:
    """Have what stands beside the files follow them; the playbook does the rest."""
    for words in (["/usr/local/sbin/hems-tls"], ["nmcli", "connection", "reload"]):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            say(f"'{' '.join(words)}' said: {done.stderr.strip() or done.stdout.strip()}")
