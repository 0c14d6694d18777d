"""What is decided about backups: destinations, sizes, ages, and what restic's errors mean.

Nothing here opens a file, asks a clock or runs a program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hems.backup.backup_settings import Keep

FORMAT = 1
FEWEST_FREE = 64 * 1024 * 1024  # bytes that stay free on the box's own disk
SLACK_SECONDS = 3600.0  # by which a clock may be behind the newest backup
OLD_SECONDS = 50 * 3600.0  # two nights were missed
LOCK_SECONDS = 1800.0  # restic renews a lock every five minutes, and calls an older one stale
DRILL_SECONDS = 15 * 86400.0  # two weekly drills were missed

# restic's exit codes, docs "Scripting" (since 0.17)
NO_REPOSITORY, LOCKED, WRONG_PASSPHRASE = 10, 11, 12
FAILING = r"input/output error|read-only file system"
VANISHED = r"no such device|stale file handle|transport endpoint|no such file or directory"
AWAY = (
    r"connection refused|no such host|timeout|timed out|no route to host|network is unreachable"
    r"|connection reset|could not resolve|EOF|connection lost|broken pipe|ssh command exited"
    r"|file already closed|circuit breaker"
)
DAMAGED = (
    r"ciphertext verification|integrity|invalid data|damaged|file is too short"
    r"|hash mismatch|does not match id|not found in repository"
)
TRUNCATED = "unexpected EOF"  # of a file; of another machine it is a connection that ended
REFUSED = r"\b40[13]\b|unauthorized|forbidden|access ?denied|permission denied|host key"
# S3's answers in words, which is all that restic shows of them.
S3_KEY = r"access key id|signature we calculated"
S3_BUCKET = r"the specified bucket does not exist"
S3_CLOCK = r"request time and the (?:current|server's) time is too large"
HOPELESS_TIMES = 3  # what goes wrong once may be an accident


@dataclass(frozen=True)
class Copy:
    """One file of a backup, as it was when the backup was made."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Snapshot:
    """One backup at the destination."""

    id: str
    time: datetime
    bytes: int  # of its files; what is stored is less


@dataclass(frozen=True)
class Lock:
    """What a run of restic left at the destination, or has there now."""

    time: datetime
    host: str
    process: int

    def is_held(self, now: datetime, host: str, runs: Callable[[int], bool]) -> bool:
        """Whether somebody may work under it; ``runs`` tells whether this host has a process."""
        if (now - self.time).total_seconds() > LOCK_SECONDS:
            return False
        return self.host != host or runs(self.process)


def is_directory(repository: str) -> bool:
    """Whether the backups go into a directory of a disk that is mounted."""
    return repository.startswith("/")


def with_account(repository: str, account: str, password: str) -> str:
    """Return a rest-server's URL with its log-in; account and password are percent-encoded."""
    scheme, mark, rest = repository.partition("://")
    return f"{scheme}{mark}{account}:{password}@{rest}" if account else repository


def keep_options(keep: Keep) -> list[str]:
    """Return what restic is told to keep; everything else is forgotten."""
    return [
        f"--keep-daily={keep.daily}",
        f"--keep-weekly={keep.weekly}",
        f"--keep-monthly={keep.monthly}",
        *([f"--keep-within-daily={keep.days}d"] if keep.days else []),
        # Never none at all, also when somebody writes zeros.
        "--keep-last=1",
    ]


def is_refused(said: str) -> bool:
    """Whether restic was told that it may not do something."""
    return bool(re.search(REFUSED, plain(said), re.IGNORECASE))


def is_damaged(said: str) -> bool:
    """Whether restic could not make sense of what it read."""
    return bool(re.search(DAMAGED, plain(said)))


def is_hopeless(said: str, repository: str) -> bool:
    """Whether restic tries again and again what won't succeed; ``said`` is its stderr so far."""
    causes = (FAILING,) if is_directory(repository) else (S3_KEY, S3_BUCKET, S3_CLOCK)
    return len(re.findall("|".join(causes), said, re.IGNORECASE)) >= HOPELESS_TIMES


def locks_to_remove(
    locks: Sequence[Lock | None], now: datetime, host: str, runs: Callable[[int], bool]
) -> list[str]:
    """Return the options with which 'restic unlock' removes locks that nobody holds; none: let it.

    None stands for a lock that is damaged: restic removes such a one with all others only. Of a
    young lock of this host restic asks its process by SIGHUP, which would end a stranger who got
    its number since: then it is left until it is old.
    """
    if any(one and one.is_held(now, host, runs) for one in locks):
        return []
    if None in locks:
        return ["--remove-all"]
    return ["--quiet"] if locks else []


def room_problem(free: int, wanted: int, place: str) -> str:
    """Return why there is no room at a place for so many bytes, or nothing."""
    if free - wanted >= FEWEST_FREE:
        return ""
    return (
        f"The backup needs {megabytes(wanted + FEWEST_FREE)} and {place} has {megabytes(free)} "
        "free: make room there."
    )


def clock_problem(now: datetime, newest: datetime | None) -> str:
    """Return why a backup can't be dated now, or nothing."""
    if newest is None or (newest - now).total_seconds() <= SLACK_SECONDS:
        return ""
    return (
        f"The clock says {now:%Y-%m-%d %H:%M} UTC, and the newest backup is of "
        f"{newest:%Y-%m-%d %H:%M}: a backup is made once the clock is right ('timedatectl' says "
        "how it is)."
    )


def explain(code: int, said: str, repository: str) -> str:
    """Return the sentence for a restic that ended with ``code``; ``said`` is its stderr."""
    said = plain(said)
    if code == NO_REPOSITORY:
        mount = "mount the disk that has them, or " if is_directory(repository) else ""
        return (
            f"There are no backups at {repository}: {mount}make the first one with "
            "'sudo hems backup now'."
        )
    if code == WRONG_PASSPHRASE or re.search(r"wrong password|no key found", said):
        return (
            f"The passphrase does not open the backups at {repository}: put the one that they "
            "were made with into hems_secret_backup_passphrase and run the playbook."
        )
    if code == LOCKED:
        return (
            f"The backups at {repository} are in use, by this box or another one: try again in an "
            "hour."
        )
    if re.search(r"no space left|disk quota|insufficient storage|\b507\b", said, re.IGNORECASE):
        return (
            f"The destination {repository} is full: make room there, or keep fewer "
            "(backup_keep_…); the backups that are there stay."
        )
    is_disk = is_directory(repository)
    if re.search(DAMAGED, said) or (is_disk and re.search(TRUNCATED, said)):
        return (
            f"A backup at {repository} is damaged: 'sudo hems backup list' shows the others, "
            "'sudo hems backup verify' tries one."
        )
    if re.search(S3_BUCKET, said, re.IGNORECASE):
        return f"There is no bucket of the name in {repository}: make one there, or correct it."
    if re.search(S3_CLOCK, said, re.IGNORECASE):
        return (
            f"The clock of the box and that of {repository} differ by more than a quarter of an "
            "hour: 'timedatectl' says how the box's is."
        )
    if re.search(f"{REFUSED}|{S3_KEY}", said, re.IGNORECASE):
        return (
            f"The destination {repository} refuses the box: look at hems_backup_account, its "
            "password or key, and at the rights there."
        )
    if is_disk and (why := re.search(FAILING, said, re.IGNORECASE)):
        return (
            f"The disk of {repository} fails ({why[0].lower()}): plug it in anew and mount it, and "
            "replace it if it fails again."
        )
    if is_disk and re.search(VANISHED, said, re.IGNORECASE):
        return (
            f"The destination {repository} went away while it was used: see whether the disk is "
            "plugged in and mounted; the backups that are there stay."
        )
    if re.search(AWAY, said, re.IGNORECASE):
        return (
            f"The destination {repository} went away while it was used: see whether it is on, and "
            "look at the network; the backups that are there stay."
        )
    last = last_line(said) or f"exit code {code}"
    return f"restic failed at {repository} ({last}): 'journalctl -u hems-backup' has more."


def late(seconds: float, said: str, repository: str) -> str:
    """Return the sentence for a restic that was given so long; ``said`` is its stderr."""
    last = last_line(plain(said)) or "it said nothing"
    return (
        f"The destination {repository} took more than {seconds / 60:.0f} minutes ({last}): look at "
        "it and at the network."
    )


def last_line(said: str) -> str:
    """Return the last line of a program's stderr, without its full stop; empty: there is none."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:200].rstrip(".") if lines else ""


def plain(said: str) -> str:
    """Return restic's stderr with the lines that are JSON as what they say."""
    lines = []
    for line in said.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            lines.append(line)
            continue
        error = found.get("error") if isinstance(found, dict) else None
        text = error.get("message", "") if isinstance(error, dict) else ""
        lines.append(str(text or (found.get("message", "") if isinstance(found, dict) else line)))
    return "\n".join(lines)


def differences(wanted: Mapping[str, Copy], found: Mapping[str, Copy]) -> list[str]:
    """Return the files of a backup that are not as its manifest says, by name."""
    return sorted(
        name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
    )


def megabytes(size: int) -> str:
    """Return a number of bytes for people."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
