"""Look whether a destination's machine answers, before restic tries it for a quarter of an hour."""

from __future__ import annotations

import http.client
import os
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

from hems.backup import BackupError, core, destination
from hems.backup.backup_settings import Backup
from hems.backup.destination import CONNECT_SECONDS, Problem

# Together less than a minute: a router that has just begun to answer is waited for.
PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 5.0


def look(backup: Backup, key: str, known_hosts: str) -> None:
    """Do it; ``key`` and ``known_hosts`` are sftp's files. Raises BackupError.

    A directory is not looked at. Log-ins at rest-servers and S3 are restic's.
    """
    if core.is_directory(backup.repository):
        return
    until = monotonic() + PATIENCE_SECONDS
    while problem := _problem(backup, key, known_hosts):
        if not problem.is_passing or monotonic() + PAUSE_SECONDS > until:
            raise BackupError(problem.sentence)
        sleep(PAUSE_SECONDS)


def _problem(backup: Backup, key: str, known_hosts: str) -> Problem | None:
    if not destination.is_sftp(backup.repository):
        return _http(backup)
    files = (
        ("backup_ssh_key", backup.ssh_key, key),
        ("backup_known_hosts", backup.known_hosts, known_hosts),
    )
    if lacking := [(variable, path) for variable, path, file in files if _is_empty(file)]:
        return destination.unreadable(backup, lacking)
    return _ssh(backup, destination.ssh_options(key, known_hosts))


def _is_empty(file: str) -> bool:
    try:
        return not file or not Path(file).read_bytes().strip()
    except OSError:
        return True


def _http(backup: Backup) -> Problem | None:
    url = urlsplit(backup.repository.partition(":")[2])
    host = url.hostname or ""
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        trust = ssl.create_default_context()
        # restic takes what many a NAS makes for itself, which lacks what is strictly necessary.
        trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
        connection = http.client.HTTPSConnection(
            host, url.port, timeout=CONNECT_SECONDS, context=trust
        )
    else:
        connection = http.client.HTTPConnection(host, url.port, timeout=CONNECT_SECONDS)
    try:
        connection.request("HEAD", url.path or "/")
        answer = connection.getresponse()
    except ssl.SSLCertVerificationError as error:
        return destination.untrusted(backup, error.verify_message)
    except TimeoutError:
        return destination.away(backup, f"no answer in {CONNECT_SECONDS} s")
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return destination.away(backup, reason)
    finally:
        connection.close()
    return destination.http_problem(answer.status, answer.reason, backup)


def _ssh(backup: Backup, options: Sequence[str]) -> Problem | None:
    words = ["ssh", *options, "-s", *destination.ssh_machine(backup.repository), "sftp"]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    try:
        # The end of its input ends it, once it has logged in.
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            cwd="/",
            timeout=2 * CONNECT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return destination.away(backup, f"no answer in {2 * CONNECT_SECONDS} s")
    except OSError as error:
        raise BackupError(f"ssh can't be run ({error}): run the playbook.") from error
    # Every other code is the server's.
    if done.returncode != 255:
        return None
    return destination.ssh_problem(done.stderr.decode("utf-8", "replace"), backup)
