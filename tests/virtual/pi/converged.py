"""The converged Pi as an image: kept in podman's storage under the hash of all it was made from.

It holds no identity: machine-id and ssh host key are made at a Pi's first start, as on a new one.
"""

from __future__ import annotations

import hashlib

from tests.virtual.pi import image, inventory, play, reading, substitutes
from tests.virtual.pi.checkout import Failure, only_one
from tests.virtual.pi.command import output, privileged
from tests.virtual.pi.machine import Pi
from tests.virtual.pi.podman import answers, podman
from tests.virtual.pi.progress import detail, phase
from tests.virtual.zigbee import on_pi

REPOSITORY = "localhost/hems-converged-pi"
PROVEN = "smartcore-hems.proven"  # label: a second play changed nothing on it
KEPT = 4  # images, the newest ones: each takes 1 to 2 GB
MAKER = Pi("converging")
CERTIFICATE = "hems-tls.service"
STARTING = 400.0  # seconds that Home Assistant may take while several Pis start at once

# What must not be the same on two Pis, or only fills the image. An empty machine-id has the first
# process make all that a new Pi makes.
FORGET = """
cd "$1" && : >etc/machine-id &&
rm -rf etc/ssh/ssh_host_* home/pi/.ssh var/log/journal/* var/cache/apt/archives/*.deb
"""


def tag() -> str:
    """The image's name: what the play reads, and what it is played on, hashed.

    Downloads are pinned by what it reads, except Debian's: these are as old as the image.
    """
    digest = hashlib.sha256(f"{image.tag()} {on_pi.stamp()} {substitutes.offered()}".encode())
    digest.update(play.inputs().encode())
    return f"{REPOSITORY}:{digest.hexdigest()[:12]}"


def find(*, proven: bool = False) -> str | None:
    """Return the image's name, if it is kept; with `proven`, if a second play changed nothing."""
    name = tag()
    if not answers("image", "exists", name):
        return None
    form = f'{{{{index .Config.Labels "{PROVEN}"}}}}'
    label = podman("image", "inspect", "--format", form, name, doing="look at the kept Pi").strip()
    return name if label == "yes" or not proven else None


def find_or_make() -> str:
    """Return the image's name; where it is missing, converge a Pi and keep it. Raises Failure."""
    name = tag()
    with only_one(f"converged-{name.rpartition(':')[2]}"):
        if not answers("image", "exists", name):
            phase("No converged Pi is kept of what this checkout says: make one")
            make(name)
    return name


def make(name: str) -> None:
    """Converge a new Pi and keep it as `name`. Raises Failure."""
    MAKER.destroy()
    try:
        MAKER.create()
        on_pi.install(MAKER)
        play.converge(MAKER)
        if tag() != name:
            raise Failure("what the play reads was changed while it ran: start it once more")
        keep(MAKER, name)
    finally:
        MAKER.destroy()


def keep(pi: Pi, name: str, *, proven: bool = False) -> None:
    """Stop a converged Pi and keep it under `name`; the oldest ones beyond KEPT go."""
    detail("keep it as an image")
    doing = "keep the converged Pi"
    podman("stop", "--time", "60", pi.container, doing=doing)
    root = podman("mount", pi.container, doing=doing).strip()
    try:
        output(privileged("sh", "-c", FORGET, "sh", root), doing=doing)
    finally:
        answers("unmount", pi.container)
    label = f"LABEL {PROVEN}={'yes' if proven else 'no'}"
    podman("commit", "--quiet", "--change", label, pi.container, name, doing=doing)
    _forget(_kept()[KEPT:])


def start(pi: Pi, name: str, publish: dict[int, int] | None = None) -> None:
    """Start a new Pi from a kept one and wait until the appliance on it is ready.

    Its address is another: that is brought into its certificate, as the timer would in a minute.
    """
    # The name that the play gave it: podman writes /etc/hostname anew for each container.
    pi.create(publish, base=name, hostname=inventory.value("hems_hostname"))
    on_pi.install(pi)
    reading.entities(pi, STARTING)  # then the other services run, too, and take a certificate
    pi.run("systemctl", "start", CERTIFICATE, doing="bring the certificate up to date")


def newest() -> str:
    """Return the newest kept Pi's name, whatever it was made from. Raises Failure."""
    kept = _kept()
    if not kept:
        raise Failure("no converged Pi is kept here yet: `--from converged` makes one")
    return kept[0]


def remove() -> None:
    """Drop every kept Pi that no running one uses."""
    _forget(_kept())


def _kept() -> list[str]:
    """The images' names, the newest first."""
    form = "{{.Repository}}:{{.Tag}}"
    listing = ("images", "--sort", "created", "--format", form, REPOSITORY)
    return podman(*listing, doing="list images").split()


def _forget(names: list[str]) -> None:
    """Remove images, and those that lost their name to a newer one; one that a Pi uses stays."""
    unnamed = ("images", "--quiet", "--filter", "dangling=true", "--filter", f"label={PROVEN}")
    for old in [*names, *podman(*unnamed, doing="list images").split()]:
        answers("rmi", old)
