"""A service's own directory from its archive, by that service's user: root opens nothing in it.

Each file is replaced in one step, and only one that differs, so nothing is ever missing in between:
a power cut in the middle leaves every file as it was or as it is to be, and the next try goes on.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import IO

from hems import whole_file

CHUNK = 1024 * 1024  # bytes: what a person keeps in Home Assistant may be larger than the memory


def put_back(top: Path, stream: IO[bytes], left: Sequence[str]) -> None:
    """Have everything below ``top`` as the archive has it. Raises OSError and ValueError.

    ``left``: patterns of names directly below ``top`` that are not in the archive and stay. What
    belongs to somebody else (a person made it as root) stays too.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r:") as archive:
            members = {top / member.name: member for member in archive}
            # first, as a release may have filled the disk
            _remove_strange(top, members.keys(), left)
            for path, member in members.items():
                with suppress(PermissionError):  # it lies in a directory of somebody else's
                    _put(path, member, archive)
    except tarfile.TarError as error:
        raise ValueError(f"the archive of {top} can't be read ({error})") from error


def _remove_strange(top: Path, known: Collection[Path], left: Sequence[str] = ()) -> None:
    """Remove what the archive does not have, as far as it is the user's own."""
    for path in top.iterdir():
        if any(fnmatch(path.name, pattern) for pattern in left):
            continue
        found = path.lstat()
        is_directory = stat.S_ISDIR(found.st_mode)
        with suppress(PermissionError):
            if is_directory:
                _remove_strange(path, known)
            if path in known or found.st_uid != os.geteuid():
                continue
            if not is_directory:
                path.unlink()
            elif not any(path.iterdir()):
                path.rmdir()


def _put(path: Path, member: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
    found = path.lstat() if os.path.lexists(path) else None
    if found and found.st_uid != os.geteuid():
        return
    if member.isdir():
        if found and not stat.S_ISDIR(found.st_mode):
            path.unlink()
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(member.mode)
        return
    if found and stat.S_ISDIR(found.st_mode):
        shutil.rmtree(path)
        found = None
    if member.issym():
        if not (path.is_symlink() and str(path.readlink()) == member.linkname):
            whole_file.link(path, member.linkname)
        return
    source = archive.extractfile(member)  # also of a second name of the same file
    if source is None:  # a socket or a pipe: whoever uses it makes it
        return
    if not (found and stat.S_IMODE(found.st_mode) == member.mode and is_same(path, found, source)):
        source.seek(0)
        whole_file.write(path, source, mode=member.mode)


def is_same(path: Path, found: os.stat_result, source: IO[bytes]) -> bool:
    """Whether a file has the content of a stream. Raises OSError."""
    if not stat.S_ISREG(found.st_mode):
        return False
    with path.open("rb") as present:
        while True:
            kept, there = source.read(CHUNK), present.read(CHUNK)
            if kept != there:
                return False
            if not kept:
                return True
