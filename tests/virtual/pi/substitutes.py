"""Stand-ins for downloads that a real Pi makes and this machine can't, told by variables.

Nothing is written where the real ones can be reached. Production roles never know.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.virtual.apt_repository.repository import MADE_OF
from tests.virtual.pi import image, network
from tests.virtual.pi.checkout import INVENTORY, ROOT, STATE, Failure, log_path, only_one
from tests.virtual.pi.command import last_line
from tests.virtual.pi.machine import APT_REPOSITORY

GENERATED = INVENTORY / "group_vars" / "all" / "generated.yml"
ON_THE_PI = "/srv/apt-repository"  # where machine.py mounts APT_REPOSITORY
SWITCH = "HEMS_INFLUXDB"  # `standin` in the environment: the stand-in, whatever could be had
ANNOUNCEMENT = STATE / "database"
REAL = "a real package, from the packages that this machine keeps"
STANDIN = (
    "a STAND-IN: InfluxDB 2's HTTP API in front of Debian's InfluxDB 1.6 engine, because "
    "InfluxData's repository can't be reached from here"
)
STANDIN_COMMIT = "stand-in"  # what tests/virtual/influxdb2_standin says of itself
HEADER = """---
# Written by tests/virtual/pi: what this machine can't download, from the test bed instead.
"""


def provide() -> None:
    """Build what is needed; write, or remove, the generated variables and the announcement."""
    with only_one("substitutes"):
        lines = []
        database = "InfluxData's own package, from its repository"
        if image.python_from_sid():
            lines.append("home_assistant_python: /usr/bin/python3.14\n")
        if SWITCH in os.environ or not network.reaches(network.INFLUXDATA):
            repository = _build_apt_repository()
            lines += [
                f'influxdb_apt_uri: "file:{ON_THE_PI}"\n',
                f'influxdb_apt_key_url: "file://{ON_THE_PI}/{repository["key"]}"\n',
                f'influxdb_apt_fingerprint: "{repository["fingerprint"]}"\n',
            ]
            database = REAL if repository["real"] else STANDIN
            if not repository["real"]:  # it has no Flux
                lines.append("hems_rollups_enabled: false\n")
        if lines:
            _write(GENERATED, HEADER + "".join(lines))
        else:
            GENERATED.unlink(missing_ok=True)
        _write(ANNOUNCEMENT, f"{database}\n")


def database() -> str:
    """What InfluxDB is here, in words."""
    return ANNOUNCEMENT.read_text(encoding="utf-8").strip() if ANNOUNCEMENT.exists() else "unknown"


def offered() -> str:
    """What the local apt repository offers to a Pi, with hashes; empty where it is not used."""
    used = GENERATED.exists() and ON_THE_PI in GENERATED.read_text(encoding="utf-8")
    return (APT_REPOSITORY / MADE_OF).read_text(encoding="utf-8") if used else ""


def runs(commit: str) -> str:
    """What the InfluxDB that runs is, by what it says of itself.

    A Pi keeps the one that it was set up with, whatever this machine could give it now.
    """
    return STANDIN if commit == STANDIN_COMMIT else "a real server"


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _build_apt_repository() -> dict[str, Any]:
    """Build the signed repository with InfluxDB's package, or find it built."""
    log = log_path("apt-repository")
    builder = [sys.executable, "-m", "tests.virtual.apt_repository"]
    with log.open("w", encoding="utf-8") as stream:
        result = subprocess.run(
            [*builder, "--output", str(APT_REPOSITORY)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stream,
            encoding="utf-8",
            check=False,
        )
    if result.returncode:
        cause = last_line(log.read_text(encoding="utf-8"))
        raise Failure(f"could not build the local InfluxDB repository: {cause} (all of it: {log})")
    described: dict[str, Any] = json.loads(last_line(result.stdout))
    return described
