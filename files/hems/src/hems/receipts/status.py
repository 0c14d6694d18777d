"""What became of the box's receipts: ``status.json``, and the newest one, ``receipt.json``.

Written by the daemons' user, read by the watchdog and `hems receipt`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from hems import HemsError, whole_file

DIRECTORY = Path("/var/lib/hems-receipts")
FILE = "status.json"
NEWEST = "receipt.json"  # sealed; the queue is this one file, as the newest says everything


class Status(msgspec.Struct, frozen=True):
    """The file. Times are UTC, ISO 8601; empty: never."""

    begun: str = ""  # since when there should be receipts
    delivered: str = ""  # when the server last took one
    waiting: bool = False  # the newest one has not been taken
    problem: str = ""  # of the last try


def read(directory: Path = DIRECTORY) -> Status:
    """Return the file's content; a file that is missing or broken is an empty one."""
    try:
        return msgspec.json.decode((directory / FILE).read_bytes(), type=Status)
    except (OSError, msgspec.DecodeError):
        return Status()


def newest(directory: Path = DIRECTORY) -> bytes:
    """Return the newest receipt, sealed; empty: there is none yet."""
    try:
        return (directory / NEWEST).read_bytes()
    except OSError:
        return b""


def write(status: Status, directory: Path = DIRECTORY) -> None:
    """Replace the file. Raises HemsError."""
    _write(directory / FILE, msgspec.json.format(msgspec.json.encode(status)) + b"\n")


def queue(sealed: bytes, directory: Path = DIRECTORY) -> None:
    """Have a receipt sent in place of any before it, however often that is tried.

    Raises HemsError.
    """
    _write(directory / NEWEST, sealed)


def _write(path: Path, content: bytes) -> None:
    try:
        whole_file.write(path, content, mode=0o644)
    except OSError as error:
        raise HemsError(f"{path} can't be written ({error.strerror}): look at 'df -h'.") from error
