"""The machine's disk, kernel and first root disk: made once, kept under their recipe's hash."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tests.virtual.pi import image, network
from tests.virtual.pi.checkout import CACHE, log_path, only_one
from tests.virtual.pi.command import logged, privileged
from tests.virtual.pi.image import AUTHORITIES, BOOTABLE, SHARED

RECIPE = Path(__file__).parent / "recipe"
PACKAGES = (
    *("qemu-system-arm", "qemu-utils", "qemu-user-static", "binfmt-support", "arch-test"),
    *("mmdebstrap", "debian-archive-keyring", "e2fsprogs", "util-linux"),
)
KEPT = CACHE / "arm64"
COMPLETE = "complete"


def sources() -> list[Path]:
    """Every file that decides what the disk is."""
    recipes = [*RECIPE.iterdir(), *(image.RECIPE / name for name in ("customise.sh", "house"))]
    return [SHARED, BOOTABLE, *sorted(recipes), *sorted(AUTHORITIES.glob("*.crt"))]


def name(python_from_sid: bool) -> str:
    """Name the disk: what it is made from, hashed."""
    digest = hashlib.sha256(f"{network.MIRROR} {python_from_sid}".encode())
    for path in sources():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def build() -> Path:
    """Return the directory with vmlinuz, initrd and disk.qcow2, made if absent. Raises Failure."""
    directory = KEPT / name(image.python_from_sid())
    with only_one("arm64-disk"):
        if not (directory / COMPLETE).exists():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            python = "yes" if image.python_from_sid() else "no"
            recipe = (str(RECIPE / "build.sh"), network.MIRROR, python, str(directory))
            logged(
                privileged(*recipe), log_path("arm64-disk"), doing="build the ARM machine's disk"
            )
            (directory / COMPLETE).touch()
    return directory
