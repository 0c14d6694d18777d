"""NetworkManager, through its own command: what is connected, and the two orders of the watchdog.

Output format: nmcli(1), ``--terse`` with ``--fields``; a colon inside a value is escaped.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from hems import HemsError

Run = Callable[[list[str]], str]

TIMEOUT_SECONDS = 45.0
PHYSICAL = ("802-11-wireless", "802-3-ethernet", "gsm")


class NetworkError(HemsError):
    """NetworkManager refused, or could not be asked."""


@dataclass(frozen=True)
class Connection:
    """A connection profile."""

    uuid: str
    kind: str  # NetworkManager's connection type
    name: str
    active: bool
    autoconnect: bool
    used: int  # Unix seconds of its last use; 0: never


def available() -> bool:
    """Whether this box has NetworkManager."""
    return shutil.which("nmcli") is not None


def _nmcli(arguments: list[str]) -> str:
    command = ["nmcli", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NetworkError(f"NetworkManager can't be asked: {error}.") from error
    if done.returncode:
        reason = done.stderr.strip() or f"exit code {done.returncode}"
        raise NetworkError(f"'{' '.join(command)}' failed: {reason}")
    return done.stdout


def parse(text: str) -> list[Connection]:
    """Return the profiles in nmcli's terse list of the fields of ``connections``."""
    found = []
    for line in text.splitlines():
        fields = [field.replace("\\:", ":") for field in re.split(r"(?<!\\):", line)]
        if len(fields) == 6:
            uuid, kind, active, autoconnect, used, name = fields
            found.append(
                Connection(uuid, kind, name, active == "yes", autoconnect == "yes", int(used or 0))
            )
    return found


def connections(run: Run = _nmcli) -> list[Connection]:
    """Return every connection profile.

    Raises NetworkError.
    """
    fields = "UUID,TYPE,ACTIVE,AUTOCONNECT,TIMESTAMP,NAME"
    return parse(run(["--terse", "--fields", fields, "connection", "show"]))


def hotspot(run: Run = _nmcli) -> Connection | None:
    """Return the WiFi connection that is active as an access point, if there is one.

    Raises NetworkError.
    """
    for connection in connections(run):
        if connection.active and connection.kind == "802-11-wireless":
            get = ["--get-values", "802-11-wireless.mode", "connection", "show", connection.uuid]
            if run(get).strip() == "ap":
                return connection
    return None


def uplink(found: list[Connection]) -> Connection | None:
    """Return the connection to bring up again: of those meant to be up, the last one used."""
    wanted = [one for one in found if one.kind in PHYSICAL and one.autoconnect]
    return max(wanted, key=lambda one: (one.active, one.used), default=None)


def activate(run: Run = _nmcli) -> str:
    """Bring the uplink up again and return its name.

    Raises NetworkError.
    """
    connection = uplink(connections(run))
    if connection is None:
        raise NetworkError("NetworkManager has no connection that it activates by itself.")
    run(["--wait", "30", "connection", "up", "uuid", connection.uuid])
    return connection.name


def stop_hotspot(run: Run = _nmcli) -> str:
    """Take the hotspot down and return its name.

    Raises NetworkError.
    """
    connection = hotspot(run)
    if connection is None:
        raise NetworkError("There is no hotspot any more.")
    run(["connection", "down", "uuid", connection.uuid])
    return connection.name
