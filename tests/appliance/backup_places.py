"""Machines that backups can go to, on the Pi itself: an sftp server and a rest-server.

Both listen on loopback with throw-away keys and log-ins, and are gone afterwards. The appliance's
own package is asked from outside, by small programs that run as root on the Pi.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.appliance.waiting import wait_until

TOP = "/var/lib/hems-test-places"
CHROOT, KEY, KNOWN, TREE = f"{TOP}/chroot", f"{TOP}/key", f"{TOP}/known", f"{TOP}/tree"
SSH_PORT, REST_PORT, MUTE_PORT = 2299, 8999, 8998
ACCOUNT, PASSWORD = "box", "not a real one"
SFTP = f"sftp://hems-test-sftp@127.0.0.1:{SSH_PORT}//up/hems"
REST = f"rest:http://127.0.0.1:{REST_PORT}/hems/"
SSHD, RESTD = "hems-test-sshd", "hems-test-rest"
BIG = 60_000_000  # bytes: a backup of it is not done at once
SSHD_CONFIG = f"""Port {SSH_PORT}
ListenAddress 127.0.0.1
HostKey {TOP}/host
PidFile none
AuthorizedKeysFile {TOP}/authorized
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
Subsystem sftp internal-sftp
AllowUsers hems-test-sftp
ForceCommand internal-sftp
ChrootDirectory {CHROOT}
"""
# What each program begins with: `at` is the appliance's own way to a destination.
PRELUDE = f"""
import json, shutil, sys, time
from datetime import UTC, datetime
from pathlib import Path
from hems.backup import BackupError, restic
from hems.backup.backup_settings import Backup, Influxdb, Keep
from hems.backup.restic import Restic, Secrets
TOP, TREE = Path({TOP!r}), Path({TREE!r})
restic.CACHE = TOP / "cache"
def at(repository, key={KEY!r}, known={KNOWN!r}, account={ACCOUNT!r}, password={PASSWORD!r}):
    backup = Backup(
        repository=repository, account=account if repository.startswith(("rest", "s3")) else "",
        append_only=False, ssh_key=key, known_hosts=known, parts=(),
        influxdb=Influxdb(1, "influxdb", TOP, "hems", "home_assistant"), keep=Keep(1, 0, 0, 0))
    return Restic(backup, Secrets(TOP / "passphrase", password, key, known))
def said(work, *words):
    try:
        work(*words)
    except BackupError as error:
        return str(error)
    return ""
def add(place, day):
    return place.add(TREE, "hems-a", datetime(2026, 1, day, tzinfo=UTC))
"""

# A backup is made, read back and brought back from a REPOSITORY, and what that shows.
EVERYTHING = """
place, back = at(REPOSITORY), TOP / "back"
shutil.rmtree(back, ignore_errors=True)
place.id() or place.begin()
place.unlock()
one = add(place, 1)
place.check()
place.fetch(one, TREE, back)
found = [(path.name, path.read_bytes() == (TREE / path.relative_to(back)).read_bytes())
         for path in sorted(back.rglob("*")) if path.is_file()]
print(json.dumps({"found": found, "copies": sorted(place.copies(one, TREE)),
                  "text": place.text(one, TREE / "sub/small").decode(),
                  "is_listed": one in [row.id for row in place.snapshots("hems-a")]}))
"""
ALL_BACK = {
    "found": [["big", True], ["small", True]],
    "copies": ["big", "sub/small"],
    "text": "hello\n",
    "is_listed": True,
}

# Three are made at a REPOSITORY that keeps one; its day is what is left.
FORGETTING = """
place = at(REPOSITORY)
place.id() or place.begin()
for day in (2, 3, 4):
    add(place, day)
place.forget("hems-a")
place.check()
print(json.dumps([str(row.time)[:10] for row in place.snapshots("hems-a")]))
"""


def ask(pi: Any, program: str) -> Any:
    """Run a program on the Pi, with the prelude before it; return what it printed, as JSON."""
    ran = pi.run("/opt/hems/current/bin/python -I -c %s", f"{PRELUDE}\n{program}")
    assert ran.rc == 0, ran.stderr
    return json.loads(ran.stdout)


def sentence(text: str) -> str:
    """Return what is one sentence, or fail."""
    assert text.endswith(".") and "\n" not in text and ". " not in text, text
    return text


@contextmanager
def tree(pi: Any, *packages: str) -> Iterator[None]:
    """Have restic, other packages and a small tree to back up; nothing of them stays."""
    before = _installed(pi)
    pi.check_output(f"apt-get install -qq --no-install-recommends restic {' '.join(packages)}")
    try:
        pi.check_output(f"mkdir -p {TREE}/sub && chmod 755 {TOP}")
        pi.check_output(f"echo hello >{TREE}/sub/small && head -c 100000 /dev/urandom >{TREE}/big")
        _write(pi, f"{TOP}/passphrase", "legal winner thank year wave sausage worth\n")
        yield
    finally:
        pi.check_output(f"rm -rf {TOP}")
        if added := _installed(pi) - before:
            pi.check_output(f"apt-get purge -qq {' '.join(sorted(added))}")


def _installed(pi: Any) -> set[str]:
    return set(pi.check_output("dpkg-query -W -f '${Package}\\n'").split())


@contextmanager
def places(pi: Any) -> Iterator[None]:
    """Have both servers and the tree."""
    with tree(pi, "restic-rest-server"):
        try:
            _prepare(pi)
            start(pi, SSHD)
            start(pi, RESTD)
            yield
        finally:
            for unit in (SSHD, RESTD):
                stop(pi, unit)
            pi.run("userdel hems-test-sftp")


def _prepare(pi: Any) -> None:
    pi.check_output(f"mkdir -p {CHROOT}/up {TOP}/rest")
    pi.check_output(f"chmod 755 {CHROOT}")
    # No password, and not locked: sshd lets nobody in whose account is.
    pi.check_output("useradd -M -d /up -s /usr/sbin/nologin -p '*' hems-test-sftp")
    pi.check_output(f"chown hems-test-sftp {CHROOT}/up")
    for name in ("key", "wrong", "host", "other"):
        pi.check_output(f"ssh-keygen -q -t ed25519 -N '' -f {TOP}/{name}")
    pi.check_output(f"install -m 644 {KEY}.pub {TOP}/authorized")
    for file, host in (("known", "host"), ("changed", "other")):
        line = f"[127.0.0.1]:{SSH_PORT} $(cut -d' ' -f1,2 {TOP}/{host}.pub)"
        pi.check_output(f'echo "{line}" >{TOP}/{file}')
    pi.check_output(f"echo '[192.0.2.1]:22 ssh-ed25519 AAAA' >{TOP}/empty")
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    _write(pi, f"{TOP}/htpasswd", f"{ACCOUNT}:{{SHA}}{digest}\n")
    _write(pi, f"{TOP}/sshd_config", SSHD_CONFIG)


def _write(pi: Any, path: str, text: str) -> None:
    pi.check_output("printf %%s %s >%s", text, path)


def start(pi: Any, unit: str) -> None:
    """Start one of the servers, and wait until it listens."""
    command = {
        SSHD: f"/usr/sbin/sshd -D -e -f {TOP}/sshd_config",
        RESTD: f"restic-rest-server --path {TOP}/rest --listen 127.0.0.1:{REST_PORT} "
        f"--append-only --htpasswd-file {TOP}/htpasswd",
    }[unit]
    port = SSH_PORT if unit == SSHD else REST_PORT
    pi.check_output(f"systemd-run -q --collect --unit={unit} {command}")
    address = f"tcp://127.0.0.1:{port}"
    wait_until(lambda: pi.socket(address).is_listening, 60, f"{unit} listens")


def stop(pi: Any, unit: str) -> None:
    """Stop one, with the sessions that it has."""
    with suppress(AssertionError):
        pi.check_output(f"systemctl kill --signal=KILL {unit}")
    pi.run(f"systemctl reset-failed {unit}")
