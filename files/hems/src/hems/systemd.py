"""The one place that talks to systemd: a service's own state to it, and other units' from it.

Notifications are the protocol of sd_notify(3): datagrams to the socket that ``NOTIFY_SOCKET``
names. Units are read and restarted through ``systemctl``, which asks polkit for those who aren't
root.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from hems import HemsError

Run = Callable[[list[str]], str]

MISSING = "not-found"  # LoadState of a unit that there is not
STOP_SECONDS = 150.0  # more than the longest TimeoutStopSec, Home Assistant's
TIMEOUT_SECONDS = 60.0  # a stop may take a unit's whole TimeoutStopSec
PROPERTIES = (
    "Id",
    "Names",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "NRestarts",
    "UnitFileState",
    "ActiveEnterTimestampMonotonic",
    "InactiveExitTimestampMonotonic",
    "ActiveExitTimestampMonotonic",
    "Job",
    "UID",
)


class SystemdError(HemsError):
    """systemd refused or could not be asked."""


@dataclass(frozen=True)
class Unit:
    """A unit as ``systemctl show`` describes it (org.freedesktop.systemd1(5))."""

    name: str
    load: str  # loaded, not-found, masked …
    active: str  # active, activating, failed, inactive …
    sub: str  # running, waiting, dead …
    result: str  # success, exit-code, oom-kill, watchdog …
    restarts: int  # by systemd itself, since it was last started by hand
    enabled: str  # enabled, disabled, static …
    up_since: float = 0.0  # monotonic seconds; of the last time when it is not up
    begun: float = 0.0  # monotonic seconds: when its last start began
    left: float = 0.0  # monotonic seconds: when it was last up no more
    queued: bool = False  # systemd is about to start or stop it
    uid: int | None = None  # of its user, while it runs as one of its own

    @property
    def is_up(self) -> bool:
        """Whether the unit does what it is for."""
        return self.active in ("active", "reloading")

    def __str__(self) -> str:
        if self.load != "loaded":
            return self.load
        because = f", {self.result}" if self.active == "failed" else ""
        return f"{self.active} ({self.sub}{because})"


def notify(*lines: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send ``lines`` (``READY=1``, ``STATUS=…``) to systemd; return False where nobody listens.

    Raises SystemdError when the socket can't be reached.
    """
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):  # an abstract socket, unix(7)
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as client:
            client.connect(address)
            client.sendall("\n".join(lines).encode())
    except OSError as error:
        raise SystemdError(f"systemd can't be told '{lines[0]}': {error}.") from error
    return True


def ready(status: str = "") -> bool:
    """Tell systemd that the service (Type=notify) is up, with an optional line for its status."""
    return notify("READY=1", *([f"STATUS={status}"] if status else []))


def feed_watchdog() -> bool:
    """Tell systemd that the service (WatchdogSec=) is alive."""
    return notify("WATCHDOG=1")


def stopping() -> bool:
    """Tell systemd that the service goes down on purpose."""
    return notify("STOPPING=1")


def watchdog_seconds(environment: Mapping[str, str] = os.environ) -> float | None:
    """Return within how many seconds systemd wants to be fed, or None when it doesn't.

    Feed at half of it, as sd_watchdog_enabled(3) advises.
    """
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = environment.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) else None


def _systemctl(arguments: list[str], seconds: float = TIMEOUT_SECONDS) -> str:
    command = ["systemctl", "--no-ask-password", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemdError(f"systemd can't be asked: {error}.") from error
    if done.returncode:
        reason = done.stderr.strip() or f"exit code {done.returncode}"
        raise SystemdError(f"'{' '.join(command)}' failed: {reason}")
    return done.stdout


def parse_units(text: str) -> dict[str, Unit]:
    """Return the units in ``systemctl show``'s text: blocks of ``key=value`` lines."""
    units = {}
    for block in text.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for name in values.get("Names", "").split() or values.get("Id", "").split():
            units[name] = Unit(
                name=name,
                load=values.get("LoadState", ""),
                active=values.get("ActiveState", ""),
                sub=values.get("SubState", ""),
                result=values.get("Result", ""),
                restarts=int(values.get("NRestarts") or 0),
                enabled=values.get("UnitFileState", ""),
                up_since=_seconds(values, "ActiveEnterTimestampMonotonic"),
                begun=_seconds(values, "InactiveExitTimestampMonotonic"),
                left=_seconds(values, "ActiveExitTimestampMonotonic"),
                queued=values.get("Job", "") not in ("", "0"),
                uid=int(values["UID"]) if values.get("UID", "").isdecimal() else None,
            )
    return units


def _seconds(values: Mapping[str, str], key: str) -> float:
    return int(values.get(key) or 0) / 1e6


def units(names: Iterable[str], run: Run = _systemctl) -> dict[str, Unit]:
    """Return the state of each named unit (with its suffix); one that is unknown is ``not-found``.

    Raises SystemdError.
    """
    wanted = list(names)
    if not wanted:  # without a name, systemctl shows itself
        return {}
    found = parse_units(run(["show", f"--property={','.join(PROPERTIES)}", "--", *wanted]))
    absent = Unit("", MISSING, "inactive", "dead", "", 0, "")
    return {name: found.get(name, replace(absent, name=name)) for name in wanted}


def start(unit: str, run: Run = _systemctl) -> None:
    """Start a unit and wait until it is up.

    Raises SystemdError.
    """
    run(["start", "--", unit])


def _patient(arguments: list[str]) -> str:
    return _systemctl(arguments, STOP_SECONDS)


def stop(unit: str, run: Run = _patient) -> None:
    """Stop a unit and wait until it is down, also when it has to be killed in the end.

    Raises SystemdError.
    """
    run(["stop", "--", unit])


def restart(unit: str, run: Run = _systemctl) -> None:
    """Restart a unit and wait until it is up; one that had given up gets a new try.

    Raises SystemdError.
    """
    run(["reset-failed", "--", unit])
    run(["restart", "--", unit])


def order_restart(unit: str, run: Run = _systemctl) -> None:
    """Have a unit restarted without waiting for it; one that had given up gets a new try.

    Raises SystemdError.
    """
    run(["reset-failed", "--", unit])
    run(["restart", "--no-block", "--", unit])


def signal(unit: str, name: str, run: Run = _systemctl) -> None:
    """Send a unit's main process a signal (``SIGUSR1``).

    Raises SystemdError.
    """
    run(["kill", f"--signal={name}", "--kill-whom=main", "--", unit])


def kill(unit: str, run: Run = _systemctl) -> None:
    """End all processes of a unit that does not stop.

    Raises SystemdError.
    """
    run(["kill", "--signal=KILL", "--", unit])


def reboot(run: Run = _systemctl) -> None:
    """Reboot the box in good order.

    Raises SystemdError.
    """
    run(["reboot"])
