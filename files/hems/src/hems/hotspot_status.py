"""``/run/hems-onboarding/onboarding.json``: whether the hotspot is open, for LEDs and command."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from hems import whole_file

FORMAT = 1
DIRECTORY = Path("/run/hems-onboarding")  # of the unit: it goes when the daemon ends
FILE = "onboarding.json"


@dataclass(frozen=True)
class Status:
    """What the daemon says of itself; ``until``: monotonic seconds."""

    phase: str = ""  # empty: it does not run
    open: bool = False
    name: str = ""  # the hotspot's
    until: float = 0.0


def write(directory: Path, status: Status) -> None:
    """Replace the file in one step. Raises OSError."""
    text = json.dumps({"format": FORMAT, **asdict(status)})
    whole_file.write(directory / FILE, f"{text}\n", mode=0o644)


def read(directory: Path = DIRECTORY) -> Status:
    """Return what stands there; never raises."""
    try:
        found = json.loads((directory / FILE).read_text(encoding="utf-8"))
        return Status(
            str(found["phase"]), bool(found["open"]), str(found["name"]), float(found["until"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Status()
