"""`make fleet` and `make restore`: a scenario that takes a converged Pi of its own."""

from __future__ import annotations

import subprocess

from tests.virtual.pi import host, job, network, up
from tests.virtual.pi.checkout import STATE
from tests.virtual.pi.machine import Pi
from tests.virtual.pi.progress import phase

# What each is, by its name: that of its Pi, and of its directory in tests/.
SCENARIOS = {
    "fleet": "The fleet's releases: taken, refused, undone, and power cuts",
    "restore": "A site's Pi is lost, and its backup makes a blank one the site again",
}


def run(name: str) -> int:
    """Run one on a converged Pi of its own; its exit code. Raises Failure."""
    pi, report = Pi(name), STATE / "reports" / f"{name}.xml"
    phase("Check this machine")
    up.prepare()
    network.require()
    up.install_packages(host.PACKAGES)
    up.install_tooling()
    pi.destroy()
    try:
        phase("Start a Pi from the converged one")
        up.create(pi, "converged")
        phase(SCENARIOS[name])
        command = job.pytest(report, "-v", "-s", f"tests/{name}")
        settings = {**job.environment(), "HEMS_PI": pi.name}
        return subprocess.run(command, env=settings, check=False).returncode
    finally:
        phase("Remove the virtual Pi")
        pi.destroy()
