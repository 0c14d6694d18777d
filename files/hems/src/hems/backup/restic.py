"""restic: the one place that runs it. Every method raises BackupError with one sentence.

Log-ins go to it in files below a directory of root's: an argument or a variable could be seen.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import socket
import tarfile
import tempfile
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from hems.backup import BackupError, RefusedError, core, destination, reach, watched
from hems.backup.backup_settings import Backup
from hems.backup.core import Copy, Snapshot

CACHE = Path("/var/cache/hems-backup")
TAG = "hems"
SECONDS = 12 * 3600.0  # the first upload over a slow line
QUESTION_SECONDS = 600.0
FIRST_SECONDS = 120.0  # for the smallest file that there is, of a machine that has just answered
CHUNK = 1 << 20
# For what only reads: a box that died while it tidied up has locked its backups for every other
# one, also for that which is to be brought back from them.
NO_LOCK = "--no-lock"


@dataclass(frozen=True)
class Secrets:
    """Where they are: files with a line each."""

    passphrase: Path
    account: str = field(default="", repr=False)  # the account's password
    ssh_key: str = ""  # path; sftp only
    known_hosts: str = ""  # path; sftp only


class Answer(NamedTuple):
    """What a run of restic came to."""

    code: int
    out: bytes
    said: str  # stderr


@dataclass(frozen=True)
class Restic:
    """The backups at one destination."""

    settings: Backup
    secrets: Secrets

    def id(self) -> str:
        """Return the id of what is at the destination; empty where there is nothing yet."""
        self._look()
        fine = (0, core.NO_REPOSITORY)
        done = self._run(["cat", "config", NO_LOCK], fine, FIRST_SECONDS)
        return str(json.loads(done.out)["id"]) if done.code == 0 else ""

    def begin(self) -> None:
        """Make a place for backups at the destination."""
        self._run(["init"])

    def add(self, directory: Path, host: str, made: datetime) -> str:
        """Store a directory and return the new backup's id."""
        moment = made.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        words = ["backup", f"--host={host}", f"--tag={TAG}", f"--time={moment}", str(directory)]
        done = self._run(words, seconds=SECONDS)
        summary = [json.loads(line) for line in done.out.splitlines() if b"summary" in line]
        return str(summary[-1]["snapshot_id"])

    def snapshots(self, host: str) -> list[Snapshot]:
        """Return a box's backups at the destination, the newest last."""
        self._look()
        words = ["snapshots", NO_LOCK, f"--host={host}", f"--tag={TAG}"]
        rows = json.loads(self._run(words).out)
        found = [
            Snapshot(
                row["id"],
                datetime.fromisoformat(row["time"]),
                int((row.get("summary") or {}).get("total_bytes_processed", 0)),
            )
            for row in rows
        ]
        return sorted(found, key=lambda one: one.time)

    def check(self) -> None:
        """See whether all that the backups are made of is at the destination."""
        self._run(["check"], seconds=SECONDS)

    def forget(self, host: str) -> None:
        """Remove the box's backups that are not to be kept, and what only they needed.

        Raises RefusedError where the destination lets nothing be removed.
        """
        keep = core.keep_options(self.settings.keep)
        mine = [f"--host={host}", f"--tag={TAG}", "--group-by=host"]
        # Not pruned in one go: where nothing can be removed, that leaves an index every night.
        done = self._run(["forget", *mine, *keep], fine=(0, 1, 3), seconds=SECONDS)
        # restic 0.18 calls that done all the same, with exit code 0.
        if core.is_refused(done.said):
            raise RefusedError(
                f"The destination {self.settings.repository} lets the box remove no old backups: "
                "it has to do that by itself (backup_append_only says that it does)."
            )
        if done.code:
            raise BackupError(core.explain(done.code, done.said, self.settings.repository))
        if any(group["remove"] for group in json.loads(done.out)):
            self._run(["prune"], seconds=SECONDS)

    def unlock(self) -> None:
        """Remove the locks that nobody holds any more."""
        names = self._run(["list", "locks", NO_LOCK]).out.decode().split()
        locks = [self._lock(name) for name in names]
        host, runs = socket.gethostname(), lambda process: Path(f"/proc/{process}").exists()
        if options := core.locks_to_remove(locks, datetime.now(UTC), host, runs):
            self._run(["unlock", *options])

    def _lock(self, name: str) -> core.Lock | None:
        done = self._run(["cat", "lock", name, NO_LOCK], fine=(0, 1))
        if done.code == 0:
            row = json.loads(done.out)
            return core.Lock(datetime.fromisoformat(row["time"]), row["hostname"], row["pid"])
        if core.is_damaged(done.said):
            return None
        raise BackupError(core.explain(done.code, done.said, self.settings.repository))

    def fetch(
        self, snapshot: str, directory: Path, to: Path, names: Sequence[str] | None = None
    ) -> None:
        """Bring files of a backup's directory into another; all, where none are named."""
        some = [f"--include=/{name}" for name in names or ()]
        words = ["restore", NO_LOCK, f"{snapshot}:{directory}", f"--target={to}", *some]
        self._run(words, seconds=SECONDS)

    def text(self, snapshot: str, path: Path) -> bytes:
        """Return one small file of a backup."""
        return self._run(["dump", NO_LOCK, snapshot, str(path)]).out

    def copies(self, snapshot: str, directory: Path) -> dict[str, Copy]:
        """Read a whole backup and return its files' sizes and SHA-256, by path from its top."""
        found: dict[str, Copy] = {}
        with self._stream(["dump", NO_LOCK, "--archive=tar", snapshot, str(directory)]) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is None:
                    continue  # a directory
                digest = hashlib.sha256()
                while chunk := content.read(CHUNK):
                    digest.update(chunk)
                name = f"/{member.name.lstrip('/')}".removeprefix(f"{directory}/").lstrip("/")
                found[name] = Copy(member.size, digest.hexdigest())
        return found

    def _look(self) -> None:
        reach.look(self.settings, self.secrets.ssh_key, self.secrets.known_hosts)

    @contextmanager
    def _stream(self, words: Sequence[str]) -> Iterator[tarfile.TarFile]:
        with self._running(words, SECONDS) as done:
            broken: Exception | None = None
            try:
                with tarfile.open(fileobj=done.out, mode="r|") as archive:
                    yield archive
            except (tarfile.TarError, EOFError) as error:
                broken = error
        if done.code or broken:
            text = done.said or f"damaged: {broken}"
            raise BackupError(core.explain(done.code, text, self.settings.repository))

    def _run(
        self, words: Sequence[str], fine: Sequence[int] = (0,), seconds: float = QUESTION_SECONDS
    ) -> Answer:
        with self._running(["--json", *words], seconds) as done:
            out = done.out.read()
        if done.code not in fine:
            raise BackupError(core.explain(done.code, done.said, self.settings.repository))
        return Answer(done.code, out, done.said)

    @contextmanager
    def _running(self, words: Sequence[str], seconds: float) -> Iterator[watched.Run]:
        place = self.settings.repository
        with self._ready(words) as call, watched.run(*call, place, seconds) as running:
            yield running

    @contextmanager
    def _ready(self, words: Sequence[str]) -> Iterator[tuple[list[str], dict[str, str]]]:
        """Give the command line and the environment for a call, and take their files away."""
        with tempfile.TemporaryDirectory(prefix="hems-restic.") as name:
            directory = Path(name)
            repository = _write(directory / "repository", self._repository())
            environment = {
                "PATH": os.environ.get("PATH", os.defpath),
                "TMPDIR": name,
                "RESTIC_PROGRESS_FPS": "0.01",
            }
            options = []
            if destination.is_sftp(self.settings.repository):
                known = self.secrets.known_hosts
                arguments = destination.ssh_options(self.secrets.ssh_key, known)
                options += ["-o", f"sftp.args={shlex.join(arguments)}"]
            if self.settings.repository.startswith("s3:"):
                text = (
                    f"[default]\naws_access_key_id = {self.settings.account}\n"
                    f"aws_secret_access_key = {self.secrets.account}\n"
                )
                environment["AWS_SHARED_CREDENTIALS_FILE"] = _write(directory / "s3", text)
            command = [
                "restic",
                f"--repository-file={repository}",
                f"--password-file={self.secrets.passphrase}",
                f"--cache-dir={CACHE}",
                *options,
                *words,
            ]
            yield command, environment

    def _repository(self) -> str:
        if not self.settings.repository.startswith("rest:"):
            return self.settings.repository
        account, password = (
            urllib.parse.quote(text, safe="")
            for text in (self.settings.account, self.secrets.account)
        )
        return core.with_account(self.settings.repository, account, password)


def _write(file: Path, text: str) -> str:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    return str(file)


def row_of(found: Sequence[Snapshot], wanted: str) -> Snapshot:
    """Return the backup whose id begins so, or the newest. Raises BackupError."""
    fitting: list[Any] = [one for one in found if one.id.startswith(wanted)]
    if not fitting:
        raise BackupError(
            f"There is no backup {wanted or 'yet'}: 'sudo hems backup list' shows what there is."
        )
    chosen: Snapshot = fitting[-1]
    return chosen
