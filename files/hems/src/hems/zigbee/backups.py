"""The kept backups of the dongle's network: ``<state>/zigbee/<UTC time>.json``.

Each holds the network key in clear, so the directory and its files are root's alone.
"""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

from hems import HemsError, files

NAME = "zigbee"
FORMAT = "%Y%m%dT%H%M%SZ"
BYTES = 4 * 1024 * 1024

Content = dict[str, Any]


def save(state: Path, backup: Content, keep: int) -> Path:
    """Write a backup, remove all but the newest ``keep``, and return the new file.

    Raises HemsError.
    """
    try:
        directory = _directory(state)
        path = _free(directory)
        files.replace(path, json.dumps(backup, indent=2) + "\n", 0o600)
        for old in kept(state)[:-keep]:
            old.unlink()
    except PermissionError as error:
        raise HemsError("Only root may do that: put 'sudo' before the command.") from error
    except OSError as error:
        raise HemsError(
            f"The Zigbee backup can't be written ({error}): see whether the disk is full."
        ) from error
    return path


def kept(state: Path) -> list[Path]:
    """Return the backups, the newest last. Raises OSError."""
    return sorted((state / NAME).glob("*.json"))


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
        f"{path} is no backup of a Zigbee network: name one that 'hems zigbee backup' wrote."
    )


def _directory(state: Path) -> Path:
    """Return the directory; whoever else may write beside it can't put another in its place."""
    directory = state / NAME
    directory.mkdir(mode=0o700, exist_ok=True)
    seen = directory.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():
        raise HemsError(f"{directory} is not root's directory: move it out of the way.")
    directory.chmod(0o700)
    return directory


def _free(directory: Path) -> Path:
    while True:
        path = directory / f"{time.strftime(FORMAT, time.gmtime())}.json"
        if not path.exists():
            return path
        time.sleep(0.2)
