"""Root's own files in one archive, and back again: each in one step, and only what differs.

A power cut in the middle leaves every file either as it was or as it is to be, so the box still
boots, and the next try goes on. A program that runs may be replaced, too: its file is never opened
for writing.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from hems import whole_file
from hems.update import own_files

BATCH = 500  # names that dpkg is asked about at once


def private(path: Path) -> IO[bytes]:
    """Return a new file that only root reads, open for writing. Raises OSError."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def keep(archive: Path, tops: Iterable[Path]) -> None:
    """Write files and directories into an archive that only root reads. Raises OSError."""
    with private(archive) as stream, tarfile.open(fileobj=stream, mode="w") as kept:
        for path in tops:
            if os.path.lexists(path):
                kept.add(path)


def put_back(archive: Path, tops: Iterable[Path], spared: Iterable[Path]) -> set[Path]:
    """Have everything below ``tops`` as the archive has it; return what was changed.

    What was not there goes, unless it is ``spared`` or a Debian package brought it. Raises OSError.
    """
    changed = set()
    with tarfile.open(archive) as kept:
        names = {Path("/", member.name) for member in kept}
        for member in kept:
            path = Path("/", member.name)
            if _put(path, member, kept):
                changed.add(path)
    for path in _strange(tops, names | set(spared)):
        path.unlink()
        changed.add(path)
    return changed


def _put(path: Path, member: tarfile.TarInfo, kept: tarfile.TarFile) -> bool:
    """Put one back; whether it was another."""
    found = path.lstat() if os.path.lexists(path) else None
    if member.isdir():
        return _put_directory(path, member, found)
    if found and stat.S_ISDIR(found.st_mode):
        shutil.rmtree(path)
        found = None
    if member.issym():
        if found and path.is_symlink() and str(path.readlink()) == member.linkname:
            return False
        whole_file.link(path, member.linkname)
        return True
    stream = kept.extractfile(member)  # also of a second name of the same file
    if stream is None:  # a pipe or a device, which no role writes
        return False
    owner = member.uid, member.gid
    if found:
        same = (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (member.mode, *owner)
        if same and own_files.is_same(path, found, stream):
            return False
        stream.seek(0)
    whole_file.write(path, stream, mode=member.mode, owner=owner)
    return True


def _put_directory(path: Path, member: tarfile.TarInfo, found: os.stat_result | None) -> bool:
    wanted = (member.mode, member.uid, member.gid)
    if found and not stat.S_ISDIR(found.st_mode):
        path.unlink()
        found = None
    if found and (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == wanted:
        return False
    path.mkdir(mode=0o700, exist_ok=True)
    os.chown(path, member.uid, member.gid)
    path.chmod(member.mode)
    return True


def _strange(tops: Iterable[Path], known: set[Path]) -> list[Path]:
    """Return what is below ``tops``, unknown, and in no Debian package."""
    found = {
        path
        for top in tops
        for path in ([top, *top.rglob("*")] if top.is_dir() else [top])
        if path not in known and os.path.lexists(path)
        if path.is_symlink() or not path.is_dir()
    }
    return sorted(found - _packaged(sorted(found)))


def _packaged(paths: list[Path]) -> set[Path]:
    """Return those that a Debian package brought; dpkg's list is read once for many."""
    owned = set()
    for start in range(0, len(paths), BATCH):
        # a name is a pattern to it
        batch = map(str, paths[start : start + BATCH])
        names = [re.sub(r"([][*?\\])", r"\\\1", path) for path in batch]
        words = ["dpkg-query", "--search", "--", *names]
        done = subprocess.run(words, capture_output=True, check=False)
        for line in os.fsdecode(done.stdout).splitlines():  # "package, another: /path"
            owned.add(Path(line.partition(": ")[2]))
    return owned
