"""The virtual Pi's image: built by mmdebstrap, kept in podman's storage under its recipe's hash."""

from __future__ import annotations

import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

from tests.virtual.pi import network
from tests.virtual.pi.checkout import Failure, log_path, only_one
from tests.virtual.pi.command import last_line, privileged
from tests.virtual.pi.podman import answers, command, podman

RECIPE = Path(__file__).parent / "recipe"
SHARED = Path(__file__).parents[1] / "debian.sh"
BOOTABLE = SHARED.with_name("disk.sh")  # of machines with a kernel of their own
REPOSITORY = "localhost/hems-virtual-pi"
AUTHORITIES = Path("/usr/local/share/ca-certificates")


@cache
def python_from_sid() -> bool:
    """Whether the image must bring Python 3.14, because its real download can't be reached."""
    return not network.reaches(network.PYTHON_BUILDS)


def tag() -> str:
    """The image's name: what it is made from, hashed."""
    digest = hashlib.sha256(f"{network.MIRROR} {python_from_sid()} {os.uname().machine}".encode())
    for path in [SHARED, *sorted(RECIPE.iterdir()), *sorted(AUTHORITIES.glob("*.crt"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"{REPOSITORY}:{digest.hexdigest()[:12]}"


def build() -> str:
    """Make the image unless it is there already; return its name. Takes about a minute."""
    name = tag()
    with only_one("image"):
        if not answers("image", "exists", name):
            _bootstrap(name)
            _forget_older(name)
    return name


def _bootstrap(name: str) -> None:
    log = log_path("image")
    recipe = privileged(
        str(RECIPE / "build.sh"), network.MIRROR, "yes" if python_from_sid() else "no"
    )
    with (
        log.open("w", encoding="utf-8") as stream,
        subprocess.Popen(recipe, stdout=subprocess.PIPE, stderr=stream) as debian,
    ):
        imported = subprocess.run(
            command("import", "-", name),
            stdin=debian.stdout,
            stdout=stream,
            stderr=stream,
            check=False,
        )
    if debian.returncode or imported.returncode:
        if imported.returncode == 0:  # a tar that ended early is not an image
            podman("rmi", name, doing="remove the unfinished image")
        cause = last_line(log.read_text(encoding="utf-8", errors="replace"))
        raise Failure(f"could not build the Pi's image: {cause} (all of it: {log})")


def _forget_older(name: str) -> None:
    for other in _present():
        if other != name:
            answers("rmi", other)  # one that a Pi still uses stays


def _present() -> list[str]:
    names = podman("images", "--format", "{{.Repository}}:{{.Tag}}", doing="list images").split()
    return [name for name in names if name.startswith(f"{REPOSITORY}:")]


def remove() -> None:
    """Drop the images of the virtual Pi that no Pi of another checkout uses."""
    for name in _present():
        answers("rmi", name)
