"""What a destination's name says, and what its machine's first answer means. Pure."""

from __future__ import annotations

import http
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from hems.backup import core
from hems.backup.backup_settings import Backup

CONNECT_SECONDS = 20
# restic's ssh never asks, shows no other key than the box's, and ends within a minute when the
# server is gone; restic would wait for it for ever.
SSH_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "IdentitiesOnly=yes",
    f"ConnectTimeout={CONNECT_SECONDS}",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
)


@dataclass(frozen=True)
class Problem:
    """Why a destination can't be used, in one sentence."""

    sentence: str
    is_passing: bool = False  # may be over in some seconds


def is_sftp(repository: str) -> bool:
    """Whether the backups go to another machine by ssh."""
    return repository.startswith("sftp:")


def ssh_options(key: str, known_hosts: str) -> list[str]:
    """Return how ssh logs in: ``key`` and ``known_hosts`` are paths."""
    options = (f"UserKnownHostsFile={known_hosts}", *SSH_OPTIONS)
    return ["-i", key, *(f"-o{option}" for option in options)]


def ssh_machine(repository: str) -> list[str]:
    """Return ssh's words for the machine of ``sftp:user@host:path`` or ``sftp://user@host:22/…``.

    Raises ValueError for another port than a number.
    """
    rest = repository.removeprefix("sftp:")
    if rest.startswith("//"):
        url = urlsplit(rest)
        user, host, port = url.username or "", url.hostname or "", url.port
    else:
        account = rest.partition(":")[0]
        user, _, host = account.rpartition("@")
        port = None
    return [
        *([f"-p{port}"] if port else []),
        *([f"-l{user}"] if user else []),
        "--",
        host,
    ]


def ssh_problem(said: str, backup: Backup) -> Problem:
    """Return what an ssh that failed means; ``said`` is its stderr in English."""
    place, known = backup.repository, backup.known_hosts
    if re.search(r"HOST IDENTIFICATION HAS CHANGED", said):
        return Problem(
            f"The server of {place} has another host key than {known} says: where that is meant, "
            "put the new one there, else find out who answers."
        )
    if re.search(r"host key verification failed|no .* host key is known", said, re.IGNORECASE):
        return Problem(
            f"The host key of {place} is not in {known}: put there what 'ssh-keyscan' prints of "
            "the server, once you have compared it with the server's own."
        )
    if re.search(r"permission denied|too many authentication", said, re.IGNORECASE):
        return Problem(
            f"The server of {place} does not take the key {backup.ssh_key}: add its public half "
            "to the account's authorized_keys there."
        )
    if re.search(r"subsystem request failed", said, re.IGNORECASE):
        return Problem(f"The server of {place} gives the account no sftp: allow it there.")
    return away(backup, core.last_line(said) or "it said nothing")


def http_problem(status: int, reason: str, backup: Backup) -> Problem | None:
    """Return what an answer without a log-in means; most mean that the server is there."""
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return away(backup, f"it answers {status} {reason}")
    if status == http.HTTPStatus.BAD_REQUEST and backup.repository.startswith("rest:http:"):
        return Problem(
            f"The server of {backup.repository} does not speak HTTP there: write https:// in "
            "hems_backup_repository, and run the playbook."
        )
    return None


def away(backup: Backup, reason: str) -> Problem:
    """Return the problem that the machine does not answer."""
    return Problem(
        f"The destination {backup.repository} can't be reached ({reason}): see whether it is on, "
        "and look at the network.",
        is_passing=True,
    )


def untrusted(backup: Backup, reason: str) -> Problem:
    """Return the problem that the machine's certificate is not believed."""
    return Problem(
        f"The certificate of {backup.repository} is not trusted ({reason.rstrip('.')}): give the "
        "server one for that name, and put its authority's into /usr/local/share/ca-certificates "
        "('sudo update-ca-certificates')."
    )


def unreadable(backup: Backup, files: Sequence[tuple[str, str]]) -> Problem:
    """Return the problem that the box lacks what it logs in with; ``files``: (variable, path)."""
    named = " and ".join(f"{path or 'a file'} ({variable})" for variable, path in files)
    return Problem(
        f"The box needs {named} for {backup.repository}: put it there (docs/backup.md says how)."
    )
