"""What services' own status files say, as issues: a module for each that an entry may name.

It has ``look(now, kind)``: ``now`` is monotonic seconds, ``kind`` gives an issue of the service's
entry by its code. It returns the issues, and raises nothing whatever is in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hems.health.catalogue import Issue, Kind
from hems.linky import status

Named = Callable[[str], Kind]
Judge = Callable[[Mapping[str, Any], float, Named], Iterable[Issue]]


def of_reader(path: Path, now: float, kind: Named, down: str, judge: Judge) -> Iterable[Issue]:
    """Return the issues of a Linky reader's status file; ``down`` is the code where it has none."""
    report = status.read(path, now)
    if report is None:
        return [Issue(kind(down), detail="its status file is missing or old")]
    return judge(report, now, kind)
