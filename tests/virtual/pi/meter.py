"""The simulated meter of `make up`: a process outside the Pi, known by its command line."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.virtual.pi import inventory
from tests.virtual.pi.checkout import ROOT, STATE, VENV, Failure, log_path
from tests.virtual.pi.command import last_line
from tests.virtual.pi.machine import Pi

MODULE = "tests.virtual.meter"
ACCOUNT = "meter"  # inventory/virtual gives the broker this account
FOLDER = STATE / "meter"
LOAD = FOLDER / "load"  # what the household draws: a number of W, or `profile`; may change any time
CONNECTED = "is connected to the broker"  # the meter's words
TIMEOUT = 40.0  # seconds; the meter itself tries for 30


def start(pi: Pi) -> None:
    """Start the meter unless this checkout's runs already, and look whether it stays."""
    FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority, password = FOLDER / "ca.crt", FOLDER / "password"
    secret = f"{inventory.value('hems_path_secrets')}/mqtt_{ACCOUNT}"
    news = [
        _fetch(pi, f"{inventory.value('hems_path_tls')}/ca.crt", authority),
        _fetch(pi, secret, password),
    ]
    if any(_running()):
        if not any(news):
            return
        stop()  # it knows another Pi
    log = log_path("meter")
    command = [
        *(str(VENV / "bin" / "python"), "-m", MODULE),
        *("--host", pi.address(), "--port", str(inventory.port("mqtts"))),
        *("--ca-file", str(authority), "--account", ACCOUNT, "--password-file", str(password)),
        *("--load-file", str(LOAD), "--state-file", str(FOLDER / "counter")),
    ]
    with log.open("w", encoding="utf-8") as stream:
        meter = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    deadline = time.monotonic() + TIMEOUT
    while CONNECTED not in log.read_text(encoding="utf-8"):
        if meter.poll() is not None or time.monotonic() > deadline:
            cause = last_line(log.read_text(encoding="utf-8"))
            raise Failure(f"the simulated meter did not connect: {cause} (all of it: {log})")
        time.sleep(0.2)


def draw(load: str) -> None:
    """Let the running meter's household draw `load`: a number of W, or `profile`."""
    if load != "profile" and not load.replace(".", "", 1).isdigit():
        raise Failure(f"'{load}' is no load: give a number of W, or 'profile'")
    if not any(_running()):
        raise Failure("no simulated meter runs: `make up` starts it")
    LOAD.write_text(f"{load}\n", encoding="ascii")


def _fetch(pi: Pi, remote: str, local: Path) -> bool:
    """Copy a file of the Pi, for this user alone; whether that changed anything here."""
    text = pi.run("cat", remote, doing=f"read {remote} on the Pi")
    if local.exists() and local.read_text(encoding="ascii") == text:
        return False
    local.touch(mode=0o600)
    local.write_text(text, encoding="ascii")
    return True


def stop() -> None:
    """End this checkout's meter, if one runs."""
    for process in _running():
        os.kill(process, signal.SIGTERM)


def _running() -> Iterator[int]:
    """Ids of processes that run this checkout's meter, whoever started them."""
    ours = {MODULE.encode(), str(FOLDER / "password").encode()}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile
        if ours <= set(words):
            yield int(entry.name)
