"""What the status file of the backups says, as issues."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from hems.backup import core, status
from hems.backup.status import Status
from hems.health.catalogue import Issue, Kind
from hems.times import local


def look(_now: float, kind: Callable[[str], Kind]) -> Iterator[Issue]:
    """Yield the issues of the file that is there now; see the package."""
    return judge(status.read(), time.time(), kind)


def judge(report: Status, now: float, kind: Callable[[str], Kind]) -> Iterator[Issue]:
    """Yield the issues; ``now`` is seconds since 1970, ``kind`` gives an issue by its code."""
    if report.problem:
        yield Issue(kind("backup_failed"), detail=report.problem.rstrip("."))
    if report.unproven:
        yield Issue(kind("backup_unproven"), detail=report.unproven.rstrip("."))
    elif report.begun and now - _seconds(report.drilled or report.begun) > core.DRILL_SECONDS:
        last = f"the last drill was {local(report.drilled)}" if report.drilled else "never tried"
        yield Issue(kind("backup_unproven"), detail=last)
    since = report.proven or report.begun
    if since and now - _seconds(since) > core.OLD_SECONDS:
        newest = f"the newest is of {local(report.proven)}" if report.proven else "there is none"
        yield Issue(kind("backup_old"), detail=newest)


def _seconds(utc: str) -> float:
    try:
        return datetime.fromisoformat(utc).timestamp()
    except ValueError:
        return 0.0
