"""The status file, ``d2l.json``: written by the daemon, read by ``hems d2l`` and health."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

DIRECTORY = Path("/run/hems-d2l")  # the unit's RuntimeDirectory
FILE = "d2l.json"
FORMAT = 1
WRITE_SECONDS = 10.0
STALE_SECONDS = 60.0


def write(path: Path, report: dict[str, Any]) -> None:
    """Replace the file in one step; it is of this boot, in memory. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps({"format": FORMAT, **report}, indent=1) + "\n", encoding="utf-8")
    os.chmod(fresh, 0o644)
    fresh.replace(path)


def read(path: Path, now: float) -> dict[str, Any] | None:
    """Return the report, or None where there is none that is fresh; ``now`` is monotonic s.

    It may be newer than ``now``: who asks has often looked at the clock a while before.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        age = abs(now - report["monotonic"])
        fresh = report["format"] == FORMAT and age <= STALE_SECONDS
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return report if fresh else None
