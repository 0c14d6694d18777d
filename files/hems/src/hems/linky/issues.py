"""What a reader's status file says, as issues."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hems.health.catalogue import Issue, Named
from hems.linky import status

Judge = Callable[[Mapping[str, Any], float, Named], Iterable[Issue]]


def of_reader(path: Path, now: float, kind: Named, down: str, judge: Judge) -> Iterable[Issue]:
    """Return what ``judge`` finds in the file; ``down`` is the code where there is no fresh one."""
    report = status.read(path, now)
    if report is None:
        return [Issue(kind(down), detail="its status file is missing or old")]
    return judge(report, now, kind)
