"""`make fleet`: the fleet's releases on one box: taken once, refused, the next one taken."""

from __future__ import annotations

import subprocess

from tests.virtual.pi import host, job, network, up
from tests.virtual.pi.checkout import STATE
from tests.virtual.pi.machine import Pi
from tests.virtual.pi.progress import phase

PI = Pi("fleet")
REPORT = STATE / "reports" / "fleet.xml"


def run() -> int:
    """Run the scenario on a converged Pi of its own; its exit code. Raises Failure."""
    phase("Check this machine")
    up.prepare()
    network.require()
    up.install_packages(host.PACKAGES)
    up.install_tooling()
    PI.destroy()
    try:
        phase("Start a Pi from the converged one")
        up.create(PI, "converged")
        phase("The fleet's releases")
        command = job.pytest(REPORT, "-v", "-s", "tests/fleet")
        settings = {**job.environment(), "HEMS_PI": PI.name}
        return subprocess.run(command, env=settings, check=False).returncode
    finally:
        phase("Remove the virtual Pi")
        PI.destroy()
