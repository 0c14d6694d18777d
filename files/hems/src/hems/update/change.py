"""What an update does to the box: a release's play, or Debian's packages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hems.update.packages import Package


@dataclass(frozen=True)
class Change:
    """What an update does to the box."""

    name: str  # as people read it
    commit: str  # what it is known by if it was bad
    work: Callable[[], str]  # does it, and returns why that failed
    packages: tuple[Package, ...] = ()  # of Debian's that it changes; none: it is a release
    space: int = 0  # bytes that it takes besides the snapshot
