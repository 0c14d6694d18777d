# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Remember with which files a systemd unit was started, and tell whether they are those of now.

The answer is by content, since a Pi has no clock at boot: after a step of the clock, times say
nothing about which came first. What the playbook started is known by systemd's invocation id,
which every start makes anew. A start by somebody else (a boot, a person, the watchdog) read the
files at a moment nobody noted; only then are times looked at, and in doubt the unit restarts.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ansible.module_utils import whole_file

DIRECTORY = Path("/var/lib/hems-units")  # root's alone, one file a unit

# What ``changed_since_start`` must know of a unit; ``show --timestamp=us+utc`` gives them.
PROPERTIES = (
    "InvocationID",
    "ExecMainStartTimestamp",
    "ExecMainStartTimestampMonotonic",
    "ActiveEnterTimestamp",
    "ActiveEnterTimestampMonotonic",
)
TIMESTAMPS = "--timestamp=us+utc"


@dataclass(frozen=True)
class Record:
    """What the playbook knows of a unit's last start: its invocation and what it read, hashed."""

    invocation: str
    files: str  # read at the start
    reload_files: str = ""  # read at the start and at each reload


def load(unit: str) -> Record | None:
    """Return what is remembered of a unit; None when that is nothing, or was damaged."""
    try:
        return Record(**json.loads((DIRECTORY / unit).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def save(unit: str, record: Record) -> None:
    """Remember a unit's start. Raises OSError."""
    DIRECTORY.mkdir(mode=0o700, exist_ok=True)
    whole_file.write(DIRECTORY / unit, json.dumps(asdict(record)) + "\n")


def forget(unit: str) -> None:
    """Forget a unit that is out of service. Raises OSError."""
    (DIRECTORY / unit).unlink(missing_ok=True)


@dataclass(frozen=True)
class Files:
    """Files as they are now."""

    fingerprint: str
    changed: float  # the newest change of one of them, Unix seconds


def look(paths: Iterable[str]) -> Files:
    """Look at what is at and below the paths."""
    named = list(paths)
    return Files(fingerprint(named), newest_change(named))


def is_stale(
    files: Files,
    remembered: str | None,
    record: Record | None,
    unit: Mapping[str, str],
    offset: float,
) -> bool:
    """Tell whether what a running unit has read may be other than what is there now.

    ``remembered`` is the record's fingerprint of these files (None without a record), ``unit`` what
    systemd says, ``offset`` wall clock less monotonic clock, now, in seconds.
    """
    if remembered not in (None, files.fingerprint):
        return True
    if record is not None and record.invocation == unit["InvocationID"]:
        return False
    return files.changed > start_time(unit, offset)


def start_time(unit: Mapping[str, str], offset: float) -> float:
    """Return when a unit was started, in Unix seconds, and rather too early than too late.

    ``offset`` is wall clock less monotonic clock, now. Between the start and now the clock may have
    been set: a file written in between is dated by the clock before or after it. Both ways of
    dating the start are known, and the earlier one is before any such file.
    """
    dated = []
    for name in ("ExecMainStartTimestamp", "ActiveEnterTimestamp"):
        # A timer or a target has no main process; it became what it is when it was entered.
        monotonic = int(unit.get(f"{name}Monotonic") or 0)
        if monotonic:
            dated = [monotonic / 1e6 + offset, *_parsed(unit.get(name, ""))]
            break
    return min(dated, default=0.0)


def _parsed(stamp: str) -> list[float]:
    # "Thu 2026-11-26 20:51:46.123456 UTC"
    try:
        _, date, time, _ = stamp.split()
        moment = datetime.strptime(f"{date} {time}", "%Y-%m-%d %H:%M:%S.%f")
    except ValueError:
        return []
    return [moment.replace(tzinfo=UTC).timestamp()]


def fingerprint(paths: Iterable[str]) -> str:
    """Return what is at and below the paths as one hash: names, contents, owners and modes.

    A directory that a link leads to is a release, installed once and never changed: its name and
    the moment of its making stand for all that is in it.
    """
    total = hashlib.sha256()
    for top in dict.fromkeys(map(Path, paths)):
        for path in _below(top):
            for part in _described(path, release=top.is_symlink()):
                total.update(part + b"\0")
    return total.hexdigest()


def newest_change(paths: Iterable[str]) -> float:
    """Return the latest inode change (Unix seconds) at or below the paths; 0.0 when there is none.

    The inode's time and not the content's: it also moves when a file is swapped in or its mode
    changes.
    """
    return max((path.lstat().st_ctime for top in paths for path in _below(Path(top))), default=0.0)


def _below(top: Path) -> Iterator[Path]:
    if top.is_symlink():
        # The link's target counts too: a certificate is renewed by switching a link.
        yield top
        if top.exists():
            yield top.resolve()
    elif top.exists():
        yield top
        if top.is_dir():
            yield from sorted(top.rglob("*"))


def _described(path: Path, *, release: bool) -> Iterator[bytes]:
    status = path.lstat()
    yield os.fsencode(path)
    yield f"{status.st_mode:o} {status.st_uid} {status.st_gid}".encode()
    if stat.S_ISLNK(status.st_mode):
        yield os.fsencode(path.readlink())
    elif stat.S_ISREG(status.st_mode):
        with path.open("rb") as stream:
            yield hashlib.file_digest(stream, "sha256").digest()
    elif release:
        yield str(status.st_mtime_ns).encode()
