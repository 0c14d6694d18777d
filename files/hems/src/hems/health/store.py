"""The health file, ``health.json``: written by the watchdog, read by everything that shows it.

Each member is explained in docs/health.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hems import whole_file
from hems.health.catalogue import SEVERITIES, Issue, Kind, issue, rank

FORMAT = 1
FILE = "health.json"
STALE_SECONDS = 150.0  # five rounds of the watchdog


@dataclass(frozen=True)
class Report:
    """The open issues, the most severe first."""

    issues: tuple[Issue, ...]
    written: float | None = None  # monotonic seconds; None when there is no report

    @property
    def worst(self) -> Issue | None:
        """The most severe issue that is worth a light."""
        return next((item for item in self.issues if item.kind.blink), None)


def as_json(item: Issue) -> dict[str, Any]:
    """Return an issue with everything that the catalogue says about it."""
    kind = item.kind
    return {
        "code": kind.code,
        "subject": item.subject,
        "severity": kind.severity,
        "blink": kind.blink,
        "title": kind.title,
        "meaning": kind.meaning,
        "does": kind.does,
        "cure": kind.cure,
        "detail": item.detail,
        "since": item.since,
    }


def write(path: Path, issues: Iterable[Issue], now: float, time: str) -> None:
    """Replace the file in one step. ``now`` is monotonic seconds, ``time`` UTC for people.

    Raises OSError.
    """
    ranked = sorted(issues, key=rank)
    content = {
        "format": FORMAT,
        "monotonic": now,
        "time": time,
        "issues": [as_json(item) for item in ranked],
    }
    whole_file.write(path, json.dumps(content, indent=1) + "\n", mode=0o644)


def parse(text: str, now: float) -> Report:
    """Return the report in ``text``, or the one issue that there is none; never raises."""
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            return _silent(f"it speaks format {content['format']}")
        written = float(content["monotonic"])
        issues = tuple(
            Issue(_kind(entry), str(entry["subject"]), str(entry["detail"]), str(entry["since"]))
            for entry in content["issues"]
        )
    except (ValueError, KeyError, TypeError) as error:
        return _silent(f"its report can't be read: {error!r}")
    age = now - written
    if not 0 <= age <= STALE_SECONDS:
        return _silent(f"its last report is {abs(age):.0f} s old")
    return Report(issues, written)


def read(path: Path, now: float) -> Report:
    """Return the report in a file, judged at ``now`` (monotonic seconds); never raises."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return _silent(f"there is no report: {getattr(error, 'strerror', None) or error}")
    return parse(text, now)


def _kind(entry: dict[str, Any]) -> Kind:
    """Return the kind as it was written: a service's own is in no catalogue of the reader's.

    Raises ValueError or KeyError.
    """
    title, meaning, does, cure = (str(entry[key]) for key in ("title", "meaning", "does", "cure"))
    if entry["severity"] not in SEVERITIES:
        raise ValueError(f"unknown severity {entry['severity']!r}")
    return Kind(
        str(entry["code"]), entry["severity"], int(entry["blink"]), title, meaning, does, cure
    )


def _silent(detail: str) -> Report:
    return Report((issue("watchdog_silent", detail),))
