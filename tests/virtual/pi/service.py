"""A simulator as a unit on a virtual Pi: its programs, its unit, and nothing left of them after."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from tests.virtual.pi.checkout import ROOT
from tests.virtual.pi.machine import Pi
from tests.virtual.zigbee import on_pi as zigbee


@dataclass(frozen=True)
class Simulator:
    """A unit's name and text, and the packages that it runs, below a folder of its own."""

    unit: str
    text: str
    folder: str
    packages: Sequence[str]


def install(pi: Pi, name: str, simulator: Simulator) -> None:
    """Put it on the Pi and run it; ``name`` is what people call it. Raises Failure."""
    paths = [path for package in simulator.packages for path in (ROOT / package).rglob("*.py")]
    files = {str(path.relative_to(ROOT)): path.read_bytes() for path in sorted(paths)}
    packed = base64.b64encode(zigbee.archive(files)).decode()
    folder, unit = simulator.folder, simulator.unit
    unpack = f"rm -rf {folder} && mkdir -p {folder} && base64 -d | tar -x -C {folder}"
    pi.run("sh", "-c", unpack, doing=f"copy the simulated {name}", text=packed)
    start = (
        f"cat >/etc/systemd/system/{unit} && systemctl daemon-reload && "
        f"systemctl enable --quiet {unit} && systemctl restart {unit}"
    )
    pi.run("sh", "-c", start, doing=f"start the simulated {name}", text=simulator.text)


def remove(pi: Pi, name: str, simulator: Simulator) -> None:
    """Stop it and take everything of it away. Raises Failure."""
    folder, unit = simulator.folder, simulator.unit
    stop = (
        f"systemctl disable --quiet --now {unit}; rm -rf /etc/systemd/system/{unit} {folder} "
        f"/var/lib/{unit.removesuffix('.service')} && systemctl daemon-reload"
    )
    pi.run("sh", "-c", stop, doing=f"remove the simulated {name}")
