"""`make fleet`, `make restore` and so on: a scenario that takes a Pi of its own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.virtual.pi import host, job, network, up
from tests.virtual.pi.checkout import STATE
from tests.virtual.pi.machine import Pi
from tests.virtual.pi.progress import phase


@dataclass(frozen=True)
class Scenario:
    """What it is in words, its tests, and what its Pi starts from."""

    words: str
    tests: tuple[str, ...]
    start: str = "converged"


# By its name, which is that of its Pi, too.
SCENARIOS = {
    "first-boot": Scenario(
        "A new site's card makes a Pi that nobody has touched the site's box",
        ("tests/first_boot",),
        up.PREPARED,
    ),
    "fleet": Scenario(
        "The fleet's releases: taken, refused, undone, and power cuts", ("tests/fleet",)
    ),
    "power-cuts": Scenario(
        "A release of the whole playbook, and the power cut in updates",
        ("tests/fleet/test_fleet_whole.py", "tests/fleet/test_fleet_power.py"),
    ),
    "restore": Scenario(
        "A site's Pi is lost, and its backup makes a blank one the site again", ("tests/restore",)
    ),
}


def run(name: str, report: Path | None = None) -> int:
    """Run one on a Pi of its own; its exit code. Raises Failure.

    `report` is where the results go (JUnit's format); by default among this checkout's.
    """
    scenario = SCENARIOS[name]
    pi, report = Pi(name), report or STATE / "reports" / f"{name}.xml"
    phase("Check this machine")
    up.prepare()
    network.require()
    up.install_packages(host.PACKAGES)
    up.install_tooling()
    pi.destroy()
    try:
        phase(f"Start a Pi: {scenario.start}")
        up.create(pi, scenario.start)
        phase(scenario.words)
        command = job.pytest(report, "-v", "-s", *scenario.tests)
        settings = {**job.environment(), "HEMS_PI": pi.name}
        return subprocess.run(command, env=settings, check=False).returncode
    finally:
        phase("Remove the virtual Pi")
        pi.destroy()
