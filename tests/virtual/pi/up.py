"""`make up`: from a fresh machine to a meter reading in InfluxDB; `make down` and `make clean`."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from tests.virtual.arm64 import machine as arm64
from tests.virtual.d2l import on_pi as d2l_on_pi
from tests.virtual.pi import (
    converged,
    home,
    host,
    image,
    inventory,
    machine,
    network,
    play,
    reading,
    substitutes,
    tooling,
)
from tests.virtual.pi.checkout import CACHE, STATE, VENV
from tests.virtual.pi.command import installed, output, privileged
from tests.virtual.pi.machine import Pi
from tests.virtual.pi.podman import podman
from tests.virtual.pi.progress import elapsed, phase
from tests.virtual.tic import on_pi as tic_on_pi
from tests.virtual.zigbee import on_pi

PI = Pi("pi")
PREPARED = "prepared"  # what a Pi can start from: a freshly prepared Raspberry Pi, …
START_FROM = (PREPARED, "converged", "newest")
OWN_PACKAGES = "debs"  # in the cache directory: what its user has put there


def up(https_port: int, *, d2l: bool = False, tic: bool = False) -> None:
    """Bring the virtual Pi up; a step that is done already is passed over."""
    phase("Check this machine")
    host.require_root()
    state = PI.state() if installed("podman") else "absent"
    if state == "absent":
        host.require_space()
        network.require_free(https_port)
    is_converged = state != "absent" and play.is_converged(PI)
    if not is_converged:
        network.require()
    install_packages(host.PACKAGES)
    install_tooling()
    substitutes.provide()
    publish = {https_port: inventory.port("https")}
    if state == "absent" and (kept := converged.find()):
        phase("Start a Pi from the converged one that is kept")
        converged.start(PI, kept, publish)
        play.note_converged(PI)
        is_converged = True
    else:
        if state == "absent":
            phase("Build the Pi's image (kept for the next time)")
            image.build()
        phase("Boot the virtual Pi" if state != "running" else "Find the virtual Pi running")
        PI.create(publish)
        on_pi.install(PI)
    if is_converged and play.is_converged(PI):
        phase("Find playbooks/site.yml run, and nothing it reads changed since")
    else:
        phase("Run playbooks/site.yml")
        play.converge(PI)
    home.pair(PI)
    if d2l:
        phase("Let a simulated D2L dongle send what a Linky counts")
        d2l_on_pi.install(PI)
    if tic:
        phase("Plug in a simulated USB-TIC adapter that says what a Linky counts")
        tic_on_pi.install(PI)
    phase("Wait for the meter's reading in InfluxDB")
    show(reading.wait(PI))


def install_packages(packages: Iterable[str]) -> None:
    """Install what is missing of Debian's `packages`."""
    if wanted := host.missing(packages):
        phase(f"Install {', '.join(wanted)}")
        host.install(wanted)


def install_tooling() -> None:
    """Make .venv, if it is not what requirements.txt says."""
    if not tooling.is_current():
        phase("Install the tooling into .venv")
        tooling.install()


def prepare() -> None:
    """Have what a new Pi needs here."""
    host.require_root()
    install_packages(host.PACKAGES)
    host.require_space()


def create(pi: Pi, start_from: str = PREPARED) -> None:
    """One Pi, its dongle plugged in, without a play unless it starts from a kept Pi.

    A Pi that is there already is what it is, whatever it should start from.
    """
    reachable = pi.reachable()
    if not reachable:
        host.require_root()
        install_packages(host.PACKAGES)
    substitutes.provide()
    if reachable or pi.state() != "absent":
        if not reachable:
            pi.create()
        on_pi.install(pi)
        return
    host.require_space()
    match start_from:
        case "converged":
            converged.start(pi, converged.find_or_make())
            play.note_converged(pi)
        case "newest":
            converged.start(pi, converged.newest())
        case _:
            pi.create()
            on_pi.install(pi)


def show(last: reading.Reading) -> None:
    """Print where to look."""
    form = (
        f'{{{{(index (index .NetworkSettings.Ports "{inventory.port("https")}/tcp") 0).HostPort}}}}'
    )
    local = podman("inspect", "--format", form, PI.container, doing="find its port").strip()
    door = f"https://127.0.0.1:{local}"
    owner, keeper, database = (
        inventory.value(f"hems_{account}_username") for account in ("owner", "door", "influxdb")
    )
    rows = {
        "Home Assistant": f"{door}/   log in as {owner}",
        "InfluxDB": f"{door}/influx/   log in at the door as {keeper}, then as {database}",
        "File editor": f"{door}/configurator/   log in at the door as {keeper}",
        "Passwords": "make shell CMD='hems passwords'",
        "Also at": f"https://{PI.address()}/ (certificate's CA: http://{PI.address()}/hems-ca.crt)",
        "Present power": f"{last.watts:g} W since {last.time}, read from InfluxDB",
        "Database": f"{last.server}, {substitutes.runs(last.commit)}",
        "Next": "make load WATTS=2100, make shell, make test, make down",
    }
    print(f"\nThe virtual Pi is up ({elapsed()}).")
    print("".join(f"  {name:<15} {words}\n" for name, words in rows.items()), end="")


def down() -> None:
    """Remove every Pi of this checkout and what podman put on the host for them; keep caches."""
    arm64.remove()
    host.require_root()
    if not installed("podman"):
        return
    for pi in machine.all_pis():
        pi.destroy()
    machine.tidy()


def clean() -> None:
    """`down`, and every cache: image, downloads, keys, logs, tooling."""
    down()
    if installed("podman") and machine.any_exist():
        phase(f"Another checkout has virtual Pis, so {CACHE} and the image stay")
    else:
        if installed("podman"):
            converged.remove()
            image.remove()
        caches = [str(path) for path in CACHE.glob("*") if path.name != OWN_PACKAGES]
        output(privileged("rm", "-rf", *caches), doing=f"empty {CACHE}")
    substitutes.GENERATED.unlink(missing_ok=True)
    for directory in (STATE.parent, VENV):
        shutil.rmtree(directory, ignore_errors=True)
