"""`make fleet`, `make power-cuts`, `make restore`: a scenario that takes a converged Pi."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.virtual.pi import host, job, network, up
from tests.virtual.pi.checkout import STATE
from tests.virtual.pi.machine import Pi
from tests.virtual.pi.progress import phase

# What each is, and its tests, by its name, which is that of its Pi, too.
SCENARIOS = {
    "fleet": ("The fleet's releases: taken, refused, undone, and power cuts", ("tests/fleet",)),
    "power-cuts": (
        "A release of the whole playbook, and the power cut in updates",
        ("tests/fleet/test_fleet_whole.py", "tests/fleet/test_fleet_power.py"),
    ),
    "restore": (
        "A site's Pi is lost, and its backup makes a blank one the site again",
        ("tests/restore",),
    ),
}


def run(name: str, report: Path | None = None) -> int:
    """Run one on a converged Pi of its own; its exit code. Raises Failure.

    `report` is where the results go (JUnit's format); by default among this checkout's.
    """
    words, tests = SCENARIOS[name]
    pi, report = Pi(name), report or STATE / "reports" / f"{name}.xml"
    phase("Check this machine")
    up.prepare()
    network.require()
    up.install_packages(host.PACKAGES)
    up.install_tooling()
    pi.destroy()
    try:
        phase("Start a Pi from the converged one")
        up.create(pi, "converged")
        phase(words)
        command = job.pytest(report, "-v", "-s", *tests)
        settings = {**job.environment(), "HEMS_PI": pi.name}
        return subprocess.run(command, env=settings, check=False).returncode
    finally:
        phase("Remove the virtual Pi")
        pi.destroy()
