"""The browser that the tests log in with: Debian's Chromium, or what the machine has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.virtual.pi.checkout import VENV, log_path
from tests.virtual.pi.command import logged

NAMES = ("chromium", "google-chrome", "google-chrome-stable")


def executable() -> str | None:
    """The path of an installed browser that Playwright can drive; None: Playwright's own."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def packages() -> tuple[str, ...]:
    """What apt must install: Ubuntu's package is a snap, which can't be driven."""
    return () if executable() or not _apt_has_chromium() else ("chromium",)


def install() -> None:
    """Where apt has none, let Playwright fetch its own."""
    if executable() is None:
        command = [str(VENV / "bin" / "playwright"), "install", "--with-deps", "chromium"]
        logged(command, log_path("browser"), doing="install a browser for the tests")


def _apt_has_chromium() -> bool:
    release = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    if "ID=debian" in release:
        return True
    return (
        subprocess.run(
            ["apt-cache", "show", "chromium"], capture_output=True, check=False
        ).returncode
        == 0
    )
