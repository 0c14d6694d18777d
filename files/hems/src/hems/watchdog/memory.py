"""What the watchdog remembers: over a reboot on disk, over its own restart in /run.

Files that can't be read count as forgotten: the watchdog must start whatever a power cut left.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from hems import whole_file
from hems.health.registry import Key
from hems.watchdog.aftermath import Aftermath
from hems.watchdog.core import Memory, State
from hems.watchdog.gaps import Track
from hems.watchdog.ladder import Rungs
from hems.watchdog.release import Guard

LASTING_FILE = "watchdog.json"
BOOT_FILE = "watchdog.json"


@dataclass(frozen=True)
class Lasting:
    """Over a reboot: the ladder's step, and what the meter's entities are."""

    step: int = 0
    keys: dict[str, Key] = field(default_factory=dict)


@dataclass(frozen=True)
class Boot:
    """Of this boot; its monotonic times mean nothing in the next one."""

    units: dict[str, Memory] = field(default_factory=dict)
    rungs: Rungs = field(default_factory=Rungs)
    guard: Guard = field(default_factory=Guard)
    refused: str = ""  # SHA-256 of the token that Home Assistant refused
    aftermath: Aftermath = field(default_factory=Aftermath)
    tracks: dict[str, Track] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """What the services' core goes on with."""
        return State(self.units)


T = TypeVar("T", Lasting, Boot)


def _load(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def load_lasting(directory: Path) -> Lasting:
    """Return what was remembered over the last reboot."""
    return _load(directory / LASTING_FILE, Lasting) or Lasting()


def load_boot(directory: Path) -> Boot | None:
    """Return what was remembered of this boot; None when this is the first start in it."""
    return _load(directory / BOOT_FILE, Boot)


def save_lasting(directory: Path, lasting: Lasting) -> None:
    """Have it on the disk before returning. Raises OSError."""
    whole_file.write(directory / LASTING_FILE, json.dumps(asdict(lasting)), mode=0o644)


def save_boot(directory: Path, boot: Boot) -> None:
    """Write what the next start in this boot goes on with. Raises OSError."""
    whole_file.write(directory / BOOT_FILE, json.dumps(asdict(boot)), mode=0o644)
