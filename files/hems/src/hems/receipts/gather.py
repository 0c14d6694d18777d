"""Look at the box for a receipt: as `hems status` does, its measures, and what is installed."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from hems import release, services
from hems.health import vitals
from hems.receipts.core import Look
from hems.settings import Appliance
from hems.status.core import Observation, days_left, problems
from hems.status.survey import observe
from hems.update import gate

OS_RELEASE = Path("/etc/os-release")
SECONDS = 30.0


def look(appliance: Appliance, token: str, packages: Iterable[str], entries: Path) -> Look:
    """Return what is seen; ``token`` may read InfluxDB, empty: it is not asked. Raises HemsError.

    ``entries`` is the directory of the services' entries.
    """
    seen = observe(appliance, services.read_all(entries))
    reading = gate.newest_by(appliance.ports.influxdb, token) if token else None
    return Look(
        problems=tuple(problems(seen)),
        issues={item.kind.code: item.kind.severity for item in seen.health.issues},
        reading=reading.time if reading else None,
        disk=seen.disk.percent,
        temperature=vitals.measure(appliance.paths.state).temperature,
        certificate=first_end(seen),
        versions=versions(appliance, packages),
    )


def first_end(seen: Observation) -> int | None:
    """Return the days until the first of the box's certificates ends. Pure."""
    left = [days_left(port.certificate, seen.now) for port in seen.ports]
    return min((days for days in left if days is not None), default=None)


def versions(appliance: Appliance, packages: Iterable[str]) -> dict[str, str]:
    """Return what is installed: ours, Home Assistant, the system and some of its packages."""
    return {
        "hems": release(os.path.realpath(sys.prefix)),  # not by the link that is current
        "home_assistant": _linked(appliance.home_assistant.root / "current"),
        "system": os_name(_text(OS_RELEASE)),
        "kernel": platform.release(),
        **package_versions(_dpkg(packages)),
    }


def os_name(text: str) -> str:
    """Return the system's name from os-release(5). Pure."""
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return lines.get("PRETTY_NAME", "").strip('"')


def package_versions(listed: str) -> dict[str, str]:
    """Return the versions in lines of name and version; a package without one is left out. Pure."""
    words = (line.split() for line in listed.splitlines())
    return {one[0]: one[1] for one in words if len(one) == 2}


def _dpkg(packages: Iterable[str]) -> str:
    command = ["dpkg-query", "--show", "--showformat=${Package} ${Version}\n", *packages]
    try:
        # It fails for one that is not installed, and tells the others.
        return subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _linked(path: Path) -> str:
    try:
        return os.path.basename(os.readlink(path))
    except OSError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
