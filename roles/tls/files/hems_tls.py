#!/usr/bin/python3
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Keep this box's certificates: its own CA, and a server certificate that says what the box is.

Run at boot and every quarter of an hour by hems-tls.timer; it says what it did in one line.
Ends with 0 when all is well, 1 when a person has to act, 2 when --check found something to do.
"""

from __future__ import annotations

import argparse
import fcntl
import grp
import os
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import whole_file
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hems_tls_copy import Copy
from hems_tls_core import (
    Names,
    Pair,
    TlsProblem,
    make_authority,
    make_server,
    parse_addresses,
    renewal_reason,
    wanted_names,
)
from hems_tls_store import Store

SETTINGS = Path("/etc/hems/tls.toml")
MOST_TURNS = 5


@dataclass(frozen=True)
class Settings:
    """/etc/hems/tls.toml."""

    site: str
    directory: str
    copy: str
    published: str
    problem: str
    group: str
    extra_names: list[str]
    services: list[str]


def read_settings(path: Path) -> Settings:
    """Return the settings; raises TlsProblem naming file and key."""
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        message = f"{path} can't be read ({error}): run the playbook, role tls writes it."
        raise TlsProblem(message) from error
    lists = ("extra_names", "services")
    known = {field.name: list if field.name in lists else str for field in fields(Settings)}
    for key in sorted(known.keys() | table.keys()):
        if key not in known:
            problem = f"has the unknown key '{key}'"
        elif not isinstance(table.get(key), known[key]):
            problem = f"needs the key '{key}', a {'list' if key in lists else 'text'}"
        else:
            continue
        message = f"{path} {problem}: run the playbook, role tls writes this file."
        raise TlsProblem(message)
    return Settings(**table)


def names_of_this_box(extra: Sequence[str]) -> Names:
    """Return the names and addresses that the box has now, with the site's own."""
    command = ["ip", "-json", "address", "show"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    return wanted_names(socket.gethostname(), parse_addresses(shown), extra)


def keep(
    store: Store,
    site: str,
    names: Names,
    now: datetime,
    *,
    copy: Copy | None = None,
    new_ca: bool = False,
    check: bool = False,
) -> list[str]:
    """Bring the certificates on disk in step with the box; return in words what was done.

    ``copy`` is the CA's second copy. With ``check`` nothing is written. Raises TlsProblem when the
    CA is damaged in a way that only a person may cure.
    """
    done = []
    found = None if new_ca else _found(store, copy)
    if isinstance(found, Pair):
        authority = found
        done.append("put the site's CA back from its copy")
        if not check:
            store.restore_authority(authority, now.strftime("%Y%m%dT%H%M%SZ"))
    elif found is None:
        authority = make_authority(site, now)
        done.append("made the site's CA")
        if not check:
            store.put_authority(authority)
    else:
        key, certificate = found
        authority = Pair(key, certificate) if certificate else make_authority(site, now, key)
        if not store.published_as(authority.certificate):
            word = "put back" if certificate else "made again from its key"
            done.append(f"{word} the CA's certificate")
            if not check:
                store.put_authority_certificate(authority.certificate)
    if reason := renewal_reason(store.server(), authority, names, now):
        done.append(f"made a server certificate for {names}, because {reason}")
        if not check:
            store.put_server(make_server(authority, names, now), authority)
    if not check:
        if copy is not None and not copy.holds(authority):
            copy.put(authority)
        store.settle()
    return done


Kept = tuple[ec.EllipticCurvePrivateKey, x509.Certificate | None]


def _found(store: Store, copy: Copy | None) -> Kept | Pair | None:
    """Return the CA that is in its place, or the pair of its copy when that has to go there."""
    copied = copy.load() if copy is not None else None
    restorable = copied is not None and store.vouches_for(copied.certificate)
    try:
        return store.authority() or (copied if restorable else None)
    except TlsProblem:
        if restorable:
            return copied
        raise


def tell(path: Path, problem: str) -> None:
    """Leave the problem, or that there is none, where the watchdog reads it."""
    if not problem:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    whole_file.write(path, f"{problem}\n", mode=0o644)


def reload_services(services: Sequence[str]) -> None:
    """Have each running service read its certificate again; the others will when they start."""
    for service in services:
        if subprocess.run(["systemctl", "is-active", "--quiet", service], check=False).returncode:
            continue
        command = ["systemctl", "reload", service]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            message = (
                f"{service} did not take the new certificate ({answer.stderr.strip()}): "
                f"see 'journalctl -u {service}'."
            )
            raise TlsProblem(message)


def run(arguments: argparse.Namespace) -> int:
    """Do what the command line asks; return the exit status."""
    settings = read_settings(arguments.config)
    try:
        group = grp.getgrnam(settings.group).gr_gid
    except KeyError:
        message = f"There is no group '{settings.group}': run the playbook, role tls makes it."
        raise TlsProblem(message) from None
    store = Store(Path(settings.directory), Path(settings.published), group)
    try:
        with _taking_turns(store.directory):
            names = names_of_this_box(settings.extra_names)
            done: list[str] = []
            # What is lost while this works starts no other run: so it looks until all is well.
            for turn in range(MOST_TURNS):
                fresh = keep(
                    store,
                    settings.site,
                    names,
                    datetime.now(UTC),
                    copy=Copy(Path(settings.copy)),
                    new_ca=arguments.new_ca and turn == 0,
                    check=arguments.check,
                )
                done += fresh
                if not arguments.check and store.unread():
                    reload_services(settings.services)
                    store.set_read()
                if arguments.check or not fresh:
                    break
    except TlsProblem as problem:
        if not arguments.check:
            tell(Path(settings.problem), str(problem))
        raise
    if not arguments.check:
        tell(Path(settings.problem), "")
    if arguments.check:
        print("would have: " + "; ".join(done) if done else "nothing to do")
        return 2 if done else 0
    # Silent when all is well: the timer's 96 runs a day must not fill the journal.
    if done:
        print("; ".join(done))
    return 0


@contextmanager
def _taking_turns(directory: Path) -> Iterator[None]:
    """Keep the timer's run and the playbook's apart; the lock goes with the process."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(prog="hems-tls", description="Keep this box's certificates.")
    parser.add_argument("--config", type=Path, default=SETTINGS, help="default: %(default)s")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="only say what would be done")
    action.add_argument(
        "--new-ca", action="store_true", help="make a new CA, which every owner then has to install"
    )
    try:
        return run(parser.parse_args())
    except TlsProblem as problem:
        print(f"hems-tls: {problem}", file=sys.stderr)
    except PermissionError:
        print("hems-tls: needs root: run it with sudo.", file=sys.stderr)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"hems-tls: {error}: see 'journalctl -u hems-tls'.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
