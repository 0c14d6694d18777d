"""The readers' status files: written by their daemons, read by ``hems linky`` and health."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hems import whole_file

# In the units' RuntimeDirectory; the name is the same where a test has its own.
D2L = Path("/run/hems-d2l/d2l.json")
TIC = Path("/run/hems-tic/tic.json")
FORMAT = 1
WRITE_SECONDS = 10.0
STALE_SECONDS = 60.0


def write(path: Path, report: dict[str, Any]) -> None:
    """Replace the file in one step; it is of this boot, in memory. Raises OSError."""
    text = json.dumps({"format": FORMAT, **report}, indent=1) + "\n"
    whole_file.write(path, text, mode=0o644)


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


def ago(at: float | None, now: float) -> str:
    """Return a monotonic time as its age, for people."""
    if at is None:
        return "none yet"
    seconds = max(0, round(now - at))
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60} min ago"
