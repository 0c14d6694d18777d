"""Gather the parts of a backup into one directory of root's, and describe them in a manifest.

Root goes into no directory of a service's: a collector does, as that service's user, and root
writes down what comes out of its pipe.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from hems import release, whole_file
from hems.backup import BackupError, collect
from hems.backup.backup_settings import Backup, Part
from hems.backup.core import FORMAT, Copy
from hems.backup.influx import Figures, Influx
from hems.backup.status import utc

MANIFEST = "manifest.json"
READINGS = "history"  # the readings' directory in a backup, and their part's name
SECONDS = 3600  # that one part may take
LATE = 124  # timeout(1): it took longer
TRIES = 2  # a file that shrinks while it is read spoils an archive
ROOT = "root"


class Manifest(msgspec.Struct, frozen=True):
    """What is in a backup."""

    made: str  # UTC, ISO 8601
    site: str
    hostname: str
    release: str
    files: dict[str, Copy]  # by path from the backup's top, without the manifest's own
    missing: dict[str, str]  # parts that could not be had, and why
    figures: Figures | None = None  # of the readings
    format: int = FORMAT


def wanted_bytes(settings: Backup) -> int:
    """Return how much room gathering needs at most."""
    readings = Part(READINGS, settings.influxdb.user, settings.influxdb.directory)
    return sum(
        int(_collect(part, "--size").strip() or 0)
        for part in (*settings.parts, readings)
        if _is_there(part)
    )


def gather(
    settings: Backup, influx: Influx, directory: Path, site: tuple[str, str], made: datetime
) -> Manifest:
    """Fill the empty ``directory``, the manifest last; ``site`` is its name and its host name.

    What can't be had is named in the manifest, and the rest is gathered. Raises BackupError when
    the box's own disk takes no more.
    """
    missing: dict[str, str] = {}
    for part in settings.parts:
        if not _is_there(part):
            if not part.optional:
                missing[part.name] = f"there is no {part.directory} or no user {part.user}"
            continue
        try:
            _part(part, directory / f"{part.name}.tar")
        except (OSError, subprocess.SubprocessError, BackupError) as error:
            missing[part.name] = str(error)
    figures = None
    try:
        figures = influx.back_up(directory / READINGS)
    except BackupError as error:
        shutil.rmtree(directory / READINGS, ignore_errors=True)
        missing[READINGS] = str(error)
    manifest = Manifest(utc(made), *site, release(), copies(directory), missing, figures)
    try:
        whole_file.write(directory / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    except OSError as error:
        raise BackupError(
            f"The backup can't be gathered in {directory} ({error.strerror}): look at 'df -h'."
        ) from error
    return manifest


def copies(directory: Path) -> dict[str, Copy]:
    """Return the files below a directory of root's, with size and SHA-256."""
    return {
        str(path.relative_to(directory)): _copy(path)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def _copy(path: Path) -> Copy:
    with path.open("rb") as stream:
        return Copy(path.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest())


def _is_there(part: Part) -> bool:
    try:
        pwd.getpwnam(part.user)
    except KeyError:
        return False
    return as_user(part.user, ["test", "-d", str(part.directory)], fine=(0, 1)).returncode == 0


def _part(part: Part, file: Path) -> None:
    for tries_left in reversed(range(TRIES)):
        try:
            with file.open("wb") as out:
                _collect(part, out=out)
                os.fsync(out.fileno())
        except BackupError:
            file.unlink()
            if not tries_left:
                raise
        else:
            return


def _collect(part: Part, *options: str, out: IO[bytes] | None = None) -> bytes:
    words = [sys.executable, "-I", collect.__file__, str(part.directory), *options]
    words += [f"--database={name}" for name in part.databases]
    words += [f"--exclude={pattern}" for pattern in part.excluded]
    found: bytes = as_user(part.user, words, out=out).stdout or b""
    return found


def as_user(
    user: str,
    words: Sequence[str],
    out: IO[bytes] | None = None,
    given: IO[bytes] | None = None,
    fine: Sequence[int] = (0,),
) -> subprocess.CompletedProcess[bytes]:
    """Run a program with a user's rights. Raises BackupError."""
    account = pwd.getpwnam(user)
    who: dict[str, Any] = {}
    if os.geteuid() != account.pw_uid:
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    try:
        done = subprocess.run(
            # It runs as that user too: root may lack the capability to end what is not its own.
            ["timeout", str(SECONDS), *words],
            stdin=given or subprocess.DEVNULL,
            stdout=out or subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            check=False,
            **who,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BackupError(f"user {user}'s part can't be done ({error})") from error
    if done.returncode == LATE:
        raise BackupError(f"user {user}'s part took more than {SECONDS // 60} minutes")
    if done.returncode not in fine:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise BackupError(f"user {user}'s part can't be done ({' '.join(said)})")
    return done


def swept(directory: Path) -> Path:
    """Return the directory, root's alone and empty. Raises OSError."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)
    return directory


def listed(manifest: Manifest) -> Iterator[str]:
    """Yield what a backup lacks, a sentence each."""
    for name, why in manifest.missing.items():
        yield f"The backup lacks {name}: {why.rstrip('.')}."
    if is_unproven(manifest):
        yield (
            "The backup may lack the newest readings, or has old ones half changed: InfluxDB gave "
            "no whole copy in three tries. 'sudo hems backup now' tries again."
        )


def is_unproven(manifest: Manifest) -> bool:
    """Whether nobody knows if the readings in a backup are all."""
    return manifest.figures is None and READINGS not in manifest.missing
