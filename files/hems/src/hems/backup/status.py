"""``status.json``: when a backup was last made and proven, and what went wrong last.

Written by root, read by the watchdog. Run as a program it begins the file: from then on a backup
that never comes is noticed.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hems import whole_file
from hems.backup import BackupError

DIRECTORY = Path("/var/lib/hems-backup")
FILE = "status.json"


class Status(msgspec.Struct, frozen=True):
    """The file. Times are UTC, ISO 8601; empty: never."""

    begun: str = ""  # since when there should be backups
    tried: str = ""
    problem: str = ""  # of the last try
    proven: str = ""  # when the newest backup was made that was read back and found right
    snapshot: str = ""  # its id
    drilled: str = ""  # when the newest backup was last tried out
    unproven: str = ""  # what was wrong with it then
    repository: str = ""  # the id of what restic made at the destination


def read(directory: Path = DIRECTORY) -> Status:
    """Return the file's content; a file that is missing or broken is an empty one."""
    try:
        return msgspec.json.decode((directory / FILE).read_bytes(), type=Status)
    except (OSError, msgspec.DecodeError):
        return Status()


def write(status: Status, directory: Path = DIRECTORY) -> None:
    """Replace the file. Raises BackupError."""
    try:
        text = msgspec.json.format(msgspec.json.encode(status)) + b"\n"
        whole_file.write(directory / FILE, text, mode=0o644)
    except OSError as error:
        raise BackupError(
            f"How the backup went can't be written to {directory} ({error.strerror}): look at "
            "'df -h'."
        ) from error


def utc(moment: datetime) -> str:
    """Return a time as the file has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def begin(directory: Path = DIRECTORY) -> bool:
    """Write the file unless it is there; return whether it was written."""
    if read(directory).begun:
        return False
    directory.mkdir(mode=0o755, exist_ok=True)
    write(msgspec.structs.replace(read(directory), begun=utc(datetime.now(UTC))), directory)
    return True


if __name__ == "__main__":
    print("begun" if begin() else "there", file=sys.stdout)
