"""The kept backups of the dongle's network: ``<directory>/<UTC time>.json``.

Each holds the network key in clear, so the directory and its files are root's alone, and no
daemon can put anything in their place. Run as a program, it fetches those of an older release,
which kept them in the daemons' directory.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from hems import HemsError, whole_file

BEFORE = "zigbee"  # in the daemons' directory, up to release 0.1
FORMAT = "%Y%m%dT%H%M%SZ"
BYTES = 4 * 1024 * 1024

Content = dict[str, Any]


def save(directory: Path, backup: Content, keep: int) -> Path:
    """Write a backup, remove all but the newest ``keep``, and return the new file.

    Raises HemsError.
    """
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        path = _free(directory)
        whole_file.write(path, json.dumps(backup, indent=2) + "\n", mode=0o600)
        for old in kept(directory)[:-keep]:
            old.unlink()
    except PermissionError as error:
        raise HemsError("Only root may do that: put 'sudo' before the command.") from error
    except OSError as error:
        raise HemsError(
            f"The Zigbee backup can't be written ({error}): check whether the disk is full."
        ) from error
    return path


def kept(directory: Path) -> list[Path]:
    """Return the backups, the newest last. Raises OSError."""
    return sorted(directory.glob("*.json"))


def load(path: Path) -> Content:
    """Return the backup in a file, in the open format or as Home Assistant lets owners download it.

    Raises HemsError.
    """
    try:
        with path.open("rb") as stream:
            content = json.loads(stream.read(BYTES))
    except PermissionError as error:
        raise HemsError("Only root may do that: put 'sudo' before the command.") from error
    except OSError as error:
        raise HemsError(
            f"The backup {path} can't be read ({error.strerror}): "
            f"'sudo hems zigbee info' names the newest one."
        ) from error
    except ValueError as error:
        raise no_backup(path) from error
    if not isinstance(content, dict) or not {"metadata", "network_info"} & content.keys():
        raise no_backup(path)
    return content


def no_backup(path: Path) -> HemsError:
    """Return the error for a file that is something else."""
    return HemsError(
        f"{path} is not a backup of a Zigbee network: name a file written by 'hems zigbee backup'."
    )


def fetch(state: Path, directory: Path) -> list[Path]:
    """Move the backups of an older release from the daemons' ``state`` and return the new files.

    Nothing but root's own files in root's own directory is taken. Raises OSError.
    """
    try:
        old = os.open(state / BEFORE, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return []
    try:
        if os.fstat(old).st_uid != os.geteuid():
            return []
        return [_fetch_one(old, name, directory) for name in sorted(os.listdir(old))]
    finally:
        os.close(old)


def _fetch_one(old: int, name: str, directory: Path) -> Path:
    path = directory / name
    # Nobody else can write into a directory of root's, wherever that is moved to.
    with os.fdopen(
        os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=old), encoding="utf-8"
    ) as file:
        whole_file.write(path, file.read(BYTES), mode=0o600)
    os.unlink(name, dir_fd=old)
    return path


def _free(directory: Path) -> Path:
    while True:
        path = directory / f"{time.strftime(FORMAT, time.gmtime())}.json"
        if not path.exists():
            return path
        time.sleep(0.2)


if __name__ == "__main__":
    print("\n".join(map(str, fetch(Path(sys.argv[1]), Path(sys.argv[2])))))
