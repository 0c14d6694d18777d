"""Times for people: in the box's time zone, which is the site's."""

from __future__ import annotations

from datetime import datetime


def local(utc: str) -> str:
    """Return ``2026-11-01T12:00:00Z`` as the site's clock shows it; no time is left as it is."""
    try:
        return datetime.fromisoformat(utc).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return utc
