"""What this machine must have before a virtual Pi can run on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.virtual.pi.checkout import CACHE, Failure, log_path
from tests.virtual.pi.command import logged, privileged

PACKAGES = (
    *("podman", "runc", "netavark", "aardvark-dns", "iptables", "nftables"),
    *("mmdebstrap", "debian-archive-keyring", "openssh-client", "ca-certificates"),
    *("gpg", "gpg-agent"),  # sign the local apt repository
)
CONTAINERS = Path("/var/lib/containers")
GIGABYTE = 10**9
NEEDED = {CONTAINERS: 8.0, CACHE: 2.0}  # gigabytes for a Pi from nothing, kept as an image


def require_root() -> None:
    """Raise Failure unless this user is root or sudo makes it so; sudo may ask here."""
    if os.geteuid() == 0:
        return
    if shutil.which("sudo"):
        ask = ["-v"] if sys.stdin.isatty() else ["-n", "true"]
        if subprocess.run(["sudo", *ask], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return
    raise Failure(
        "containers and packages need root: run this as root, or as a user whom sudo lets in "
        "(without a password where nobody can type one, as under Molecule)"
    )


def require_space(needed: dict[Path, float] = NEEDED) -> None:
    """Raise Failure where less is free than `needed` says (directory -> gigabytes)."""
    for directory, gigabytes in needed.items():
        existing = next(path for path in (directory, *directory.parents) if path.exists())
        free = shutil.disk_usage(existing).free / GIGABYTE
        if free < gigabytes:
            raise Failure(
                f"only {free:.1f} GB are free under {existing} and {gigabytes:.0f} GB are needed: "
                "make room (`make clean` removes what earlier virtual Pis left in caches)"
            )


def missing(packages: Iterable[str]) -> list[str]:
    """Those of `packages` (Debian names) that are not installed."""
    if not shutil.which("dpkg-query"):
        raise Failure("this needs Debian 12 or newer, or Ubuntu 24.04 or newer: here is no apt")
    # Docker's containerd.io brings a runc of its own, and Debian's package would push it out
    wanted = [name for name in packages if name != "runc" or not shutil.which("runc")]
    form = "${db:Status-Abbrev} ${Package}\n"
    query = ["dpkg-query", "--show", f"--showformat={form}", *wanted]
    listing = subprocess.run(query, capture_output=True, encoding="utf-8", check=False).stdout
    present = {words[1] for line in listing.splitlines() if (words := line.split())[0] == "ii"}
    return [package for package in wanted if package not in present]


def install(packages: Iterable[str]) -> None:
    """Install Debian packages in one apt run."""
    log = log_path("apt")
    quiet = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq")
    logged(privileged(*quiet, "update"), log, doing="update the package lists")
    command = privileged(*quiet, "install", "--yes", "--no-remove", "--no-install-recommends")
    logged([*command, *packages], log, doing=f"install {', '.join(packages)}")
