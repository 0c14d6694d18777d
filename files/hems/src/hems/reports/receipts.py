"""What the status file of the receipts says, as issues."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from hems.health.catalogue import Issue, Kind
from hems.receipts import status
from hems.receipts.status import Status
from hems.times import local

LATE = 3 * 86400.0  # seconds: a house without Internet for a weekend needs nobody


def look(_now: float, kind: Callable[[str], Kind]) -> Iterator[Issue]:
    """Yield the issues of the file that is there now; see the package."""
    return judge(status.read(), time.time(), kind)


def judge(found: Status, now: float, kind: Callable[[str], Kind]) -> Iterator[Issue]:
    """Yield the issues; ``now`` is seconds since 1970, ``kind`` gives an issue by its code."""
    since = found.delivered or found.begun
    if since and now - _seconds(since) > LATE:
        last = f"the last one was {local(found.delivered)}" if found.delivered else "never yet"
        why = f"; {found.problem.rstrip('.')}" if found.problem else ""
        yield Issue(kind("receipts_undelivered"), detail=last + why)


def _seconds(utc: str) -> float:
    try:
        return datetime.fromisoformat(utc).timestamp()
    except ValueError:
        return 0.0
