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
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import msgspec

from hems import HemsError, systemd, whole_file
from hems.as_user import as_user
from hems.update import own_files, packages, root_files

SECONDS = 900.0
MARK = "complete.json"
FILES = "files.tar"
RESERVE = 64 * 1024 * 1024  # bytes that going back takes, also when a release has filled the disk
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
# As the service's user: empties a directory of its own.
CLEAR = """
import pathlib, sys
for path in pathlib.Path(sys.argv[1]).iterdir():
    path.unlink()
"""
# What reads its files only at its start, or when it is told to.
READERS = {
    Path("/etc/NetworkManager"): "NetworkManager.service",
    Path("/etc/sysctl.d"): "systemd-sysctl.service",
    Path("/etc/systemd/journald.conf.d"): "systemd-journald.service",
}


class Facts(msgspec.Struct, frozen=True):
    """What the archive does not hold."""

    links: dict[str, str]
    units: dict[str, bool | None]  # whether each was wanted up; None: it comes and goes


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
            total += int(_as(service.user, words, fine=(0, 1)).split()[0])  # 1: not all is its own
        return total

    def take(
        self, units: Mapping[str, bool | None], changing: Sequence[packages.Package] = ()
    ) -> None:
        """Take it; its mark is the last file. Raises HemsError and OSError.

        ``units``: the appliance's own, and whether each is wanted up; ``changing``: Debian's
        packages that are about to get another version.
        """
        self.drop()
        self.directory.mkdir(mode=0o711)
        self.directory.chmod(0o711)
        root_files.keep(self.directory / FILES, self.files)
        self._unpack_settings()
        for service in self.services:
            if not service.directory.is_dir():
                continue
            with root_files.private(self._archive(service)) as stream:
                # of the directory itself: files below it may have such names and are kept
                out = ["--anchored", "--no-wildcards-match-slash"]
                out += [f"--exclude=./{pattern}" for pattern in LEFT_OUT if service.databases]
                words = ["tar", "-C", str(service.directory), *out, "--ignore-failed-read"]
                _as(service.user, [*words, "-cf", "-", "."], out=stream, fine=(0, 1))  # 1: changed
            if service.databases:
                copies = self._copies(service)
                copies.mkdir(mode=0o700)
                account = pwd.getpwnam(service.user)
                os.chown(copies, account.pw_uid, account.pw_gid)
                self._script(service, COPY)
        if changing:
            packages.keep(changing, self.packages)
        links = {str(link): str(link.readlink()) for link in self.links if link.is_symlink()}
        with root_files.private(self._reserve) as stream:
            os.posix_fallocate(stream.fileno(), 0, RESERVE)
        os.sync()
        facts = msgspec.json.encode(Facts(links, dict(units)))
        whole_file.write(self.directory / MARK, facts)

    def make_room(self) -> None:
        """Give the disk what was reserved for going back."""
        self._reserve.unlink(missing_ok=True)

    def put_back(self, up: Collection[str]) -> None:
        """Put everything back and run it again; may be repeated. Raises HemsError and OSError.

        ``up``: the appliance's units that are up now; one that was down before, or not there at
        all, is stopped. What one service's directory fails at keeps no other one down.
        """
        facts = msgspec.json.decode((self.directory / MARK).read_bytes(), type=Facts)
        failures: list[Exception] = []

        def attempt(work: Callable[[], object]) -> None:
            try:
                work()
            except (HemsError, OSError, ValueError, subprocess.SubprocessError) as error:
                failures.append(error)

        for unit in up:
            if facts.units.get(unit, False) is False:
                attempt(partial(systemd.stop, unit))
        attempt(partial(packages.put_back, self.packages))
        changed = root_files.put_back(self.directory / FILES, self.files, self.spared)
        for name, target in facts.links.items():
            whole_file.link(Path(name), target)
        _run(["systemctl", "daemon-reload"])
        for service in self.services:
            attempt(partial(self._put_back, service))
        os.sync()
        readers = [
            unit for top, unit in READERS.items() if any(top in path.parents for path in changed)
        ]
        for unit in [*readers, *(unit for unit, wanted in facts.units.items() if wanted)]:
            attempt(partial(systemd.order_restart, unit))
        if failures:
            raise failures[0]

    def _put_back(self, service: Service) -> None:
        """Put back a service's own directory."""
        archive = self._archive(service)
        if not archive.is_file():
            return
        systemd.stop(service.unit)
        left = LEFT_OUT if service.databases else ()
        with archive.open("rb") as stream:
            work = partial(own_files.put_back, service.directory, stream, left)
            as_user(service.user, work, SECONDS)
        if service.databases:
            self._script(service, PUT_BACK)

    def drop(self) -> None:
        """Remove it; what is a service's, by that service."""
        for service in self.services:
            copies = self._copies(service)
            if copies.is_dir():
                clear = _python(CLEAR, copies)
                _as(service.user, clear)
                copies.rmdir()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def packages(self) -> Path:
        """Where the packages are that are about to get another version."""
        return self.directory / "packages"

    @property
    def settings(self) -> Path:
        """Where the settings are as they were."""
        return self.directory / "settings/etc/hems"

    def _unpack_settings(self) -> None:
        with tarfile.open(self.directory / FILES) as archive:
            wanted = [one for one in archive if one.name.startswith("etc/hems/")]
            wanted = [one for one in wanted if one.name.endswith(".toml") or one.isdir()]
            wanted = [one for one in wanted if "/secrets" not in one.name]
            archive.extractall(self.directory / "settings", wanted, filter="data")

    @property
    def _reserve(self) -> Path:
        return self.directory / "reserve"

    def _archive(self, service: Service) -> Path:
        return self.directory / f"{service.unit}.tar"

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
