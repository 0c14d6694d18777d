"""podman as root, with the configuration that this machine needs."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from tests.virtual.pi.command import output, privileged, succeeds

CONFIGURATION = Path(__file__).parent / "recipe" / "containers.conf"
CAP_SYS_RESOURCE = 1 << 24  # capability(7): without it podman's default limits can't be raised
LABEL = "smartcore-hems.checkout"


def _may_raise_limits() -> bool:
    status = Path("/proc/1/status").read_text(encoding="ascii")
    bounding = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    return bool(int(bounding.split()[1], 16) & CAP_SYS_RESOURCE)


@cache
def _prefix() -> tuple[str, ...]:
    own = not Path("/run/systemd/system").is_dir() or not _may_raise_limits()
    if "CONTAINERS_CONF" in os.environ:
        own_file = os.environ["CONTAINERS_CONF"]
    elif own:
        own_file = str(CONFIGURATION)
    else:
        return ("podman",)
    return ("env", f"CONTAINERS_CONF={own_file}", "podman")


def command(*arguments: str) -> list[str]:
    """The command line of a podman call."""
    return privileged(*_prefix(), *arguments)


def podman(*arguments: str, doing: str) -> str:
    """Run podman and return what it printed; Failure("could not <doing>: …")."""
    return output(command(*arguments), doing=doing)


def answers(*arguments: str) -> bool:
    """Whether a podman call (an `exists`, say) exits 0."""
    return succeeds(command(*arguments))
