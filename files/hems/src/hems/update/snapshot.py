"""What an update may change, kept so that it can be put back without Ansible and without network.

Root's own files are one archive. A service's directory is read and written by that service's user
alone: root opens nothing in there. Databases are copied by SQLite's online backup and put back only
when a newer release has changed their schema, so that undoing loses no history.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from hems import HemsError, systemd, whole_file

SECONDS = 900.0
MARK = "complete.json"
DATABASES = ("home-assistant_v2.db", "zigbee.db")  # of Home Assistant's directory
LEFT_OUT = ("*.db", "*.db-shm", "*.db-wal", "media", "backups", "*.log*", "deps", "tts", ".cache")
# As the service's user: copies each database that is there; prints nothing.
COPY = """
import pathlib, sqlite3, sys
top, to, *names = sys.argv[1:]
for name in names:
    path = pathlib.Path(top, name)
    if path.is_file():
        source = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)
        target = sqlite3.connect(pathlib.Path(to, name))
        source.backup(target)
        target.close(); source.close()
"""
# As the service's user, while it is stopped: puts back what has another schema than the copy.
PUT_BACK = """
import os, pathlib, shutil, sqlite3, sys
top, to, *names = sys.argv[1:]
def schema(path):
    base = sqlite3.connect(path)
    try:
        found = [base.execute("PRAGMA user_version").fetchone()[0]]
        found += base.execute("SELECT sql FROM sqlite_master WHERE name = 'schema_changes'")
        if len(found) > 1:
            found += base.execute("SELECT MAX(schema_version) FROM schema_changes").fetchone()
        return found
    except sqlite3.DatabaseError:
        return None
    finally:
        base.close()
for name in names:
    path, copy = pathlib.Path(top, name), pathlib.Path(to, name)
    if copy.is_file() and (not path.is_file() or schema(path) != schema(copy)):
        shutil.copy2(copy, f"{path}.new")
        for end in ("-wal", "-shm"):
            pathlib.Path(f"{path}{end}").unlink(missing_ok=True)
        os.sync()
        os.replace(f"{path}.new", path)
"""
# As the service's user: takes away what the archive will bring, and what came after it.
CLEAR = """
import fnmatch, pathlib, shutil, sys
top, *left = sys.argv[1:]
for path in pathlib.Path(top).iterdir():
    if not any(fnmatch.fnmatch(path.name, pattern) for pattern in left):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
"""


class Facts(msgspec.Struct, frozen=True):
    """What the archive does not hold."""

    links: dict[str, str]
    units: tuple[str, ...]  # that were up


@dataclass(frozen=True)
class Service:
    """A service with a directory of its own."""

    unit: str
    user: str
    directory: Path
    databases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """A snapshot in a directory that only root writes; ``directory`` lets others pass through."""

    directory: Path
    files: tuple[Path, ...]
    links: tuple[Path, ...]
    services: tuple[Service, ...]
    spared: tuple[Path, ...] = ()  # came after it, and stays: what goes on after a power cut

    @property
    def complete(self) -> bool:
        """Whether it was finished."""
        return (self.directory / MARK).is_file()

    def size(self) -> int:
        """Return how many bytes it will take at most."""
        total = 0
        for service in self.services:
            words = ["du", "--summarize", "--block-size=1", str(service.directory)]
            total += int(_as(service.user, words).split()[0])
        return total

    def take(self, units: Iterable[str]) -> None:
        """Take it; its mark is the last file. Raises HemsError and OSError."""
        self.drop()
        self.directory.mkdir(mode=0o711)
        self.directory.chmod(0o711)
        with tarfile.open(self.directory / "files.tar", "w") as archive:
            for path in self.files:
                if os.path.lexists(path):
                    archive.add(path)
        for service in self.services:
            if not service.directory.is_dir():
                continue
            with (self.directory / f"{service.unit}.tar").open("wb") as stream:
                out = [f"--exclude=./{pattern}" for pattern in LEFT_OUT if service.databases]
                words = ["tar", "-C", str(service.directory), *out, "-cf", "-", "."]
                _as(service.user, words, out=stream, fine=(0, 1))  # 1: a file changed meanwhile
            if service.databases:
                copies = self._copies(service)
                copies.mkdir(mode=0o700)
                account = pwd.getpwnam(service.user)
                os.chown(copies, account.pw_uid, account.pw_gid)
                self._script(service, COPY)
        links = {str(link): str(link.readlink()) for link in self.links if link.is_symlink()}
        os.sync()
        facts = msgspec.json.encode(Facts(links, tuple(units)))
        whole_file.write(self.directory / MARK, facts)

    def put_back(self) -> None:
        """Put everything back and run it again; may be repeated. Raises HemsError and OSError."""
        facts = msgspec.json.decode((self.directory / MARK).read_bytes(), type=Facts)
        self._files()
        for name, target in facts.links.items():
            whole_file.link(Path(name), target)
        _run(["systemctl", "daemon-reload"])
        for service in self.services:
            archive = self.directory / f"{service.unit}.tar"
            if not archive.is_file():
                continue
            systemd.stop(service.unit)
            left = LEFT_OUT if service.databases else ()
            _as(service.user, _python(CLEAR, service.directory, *left))
            with archive.open("rb") as stream:
                words = ["tar", "-C", str(service.directory), "-xpf", "-"]
                _as(service.user, words, given=stream)
            if service.databases:
                self._script(service, PUT_BACK)
        os.sync()
        for unit in facts.units:
            systemd.order_restart(unit)

    def drop(self) -> None:
        """Remove it; what is a service's, by that service."""
        for service in self.services:
            copies = self._copies(service)
            if copies.is_dir():
                clear = _python(CLEAR, copies)
                _as(service.user, clear)
                copies.rmdir()
        shutil.rmtree(self.directory, ignore_errors=True)

    def settings(self) -> Path:
        """Return a copy of the settings as they were, unpacked. Raises OSError."""
        with tarfile.open(self.directory / "files.tar") as archive:
            wanted = [one for one in archive if one.name.startswith("etc/hems/")]
            wanted = [one for one in wanted if one.name.endswith(".toml") or one.isdir()]
            wanted = [one for one in wanted if "/secrets" not in one.name]
            archive.extractall(self.directory / "settings", wanted, filter="data")
        return self.directory / "settings/etc/hems"

    def _files(self) -> None:
        """Put root's files back; what was not there goes, unless a Debian package brought it."""
        with tarfile.open(self.directory / "files.tar") as archive:
            kept = {f"/{name}" for name in archive.getnames()}
            archive.extractall("/", filter="fully_trusted")
        strange = [
            path
            for top in self.files
            for path in ([top, *top.rglob("*")] if top.is_dir() else [top])
            if str(path) not in kept and path not in self.spared
            if not path.is_dir() and os.path.lexists(path)
        ]
        for path in strange:
            owned = subprocess.run(
                ["dpkg-query", "--search", str(path)], capture_output=True, check=False
            )
            if owned.returncode:
                path.unlink()

    def _copies(self, service: Service) -> Path:
        return self.directory / f"{service.unit}.databases"

    def _script(self, service: Service, script: str) -> None:
        words = _python(script, service.directory, self._copies(service), *service.databases)
        _as(service.user, words)


def _python(script: str, *arguments: Path | str) -> list[str]:
    return [sys.executable, "-I", "-c", script, *map(str, arguments)]


def _as(
    user: str,
    words: Sequence[str],
    given: IO[bytes] | None = None,
    out: IO[bytes] | None = None,
    fine: Sequence[int] = (0,),
) -> str:
    """Run a command with a service's rights."""
    account = pwd.getpwnam(user)
    who: dict[str, Any] = {}
    if os.geteuid() != account.pw_uid:
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return _run(words, given=given, out=out, fine=fine, **who)


def _run(
    words: Sequence[str],
    given: IO[bytes] | None = None,
    out: IO[bytes] | None = None,
    fine: Sequence[int] = (0,),
    **who: Any,
) -> str:
    done = subprocess.run(
        list(words),
        stdin=given or subprocess.DEVNULL,
        stdout=out or subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        timeout=SECONDS,
        check=False,
        **who,
    )
    if done.returncode not in fine:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise HemsError(f"'{' '.join(words[:2])} …' failed ({' '.join(said)}): look at the disk.")
    return (done.stdout or b"").decode("utf-8", "replace")
