"""What the D2L daemon's status file says about the dongles, as issues."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hems.health.catalogue import Issue, Kind
from hems.linky import status


def look(now: float, kind: Callable[[str], Kind]) -> Iterator[Issue]:
    """Yield the issues of the file that is there now; see the package."""
    return judge(status.read(status.D2L, now), now, kind)


def judge(
    report: Mapping[str, Any] | None, now: float, kind: Callable[[str], Kind]
) -> Iterator[Issue]:
    """Yield the issues of the dongles; ``report`` is None where the daemon gives none.

    ``now`` is monotonic seconds; ``kind`` gives an issue by its code.
    """
    if report is None:
        yield Issue(kind("d2l_down"), detail="its status file is missing or old")
        return
    for dongle in report["dongles"]:
        name, last, at = dongle["name"], dongle["last"], dongle["problem_at"]
        heard = report["started"] if last is None else last
        silent = now - heard
        if at is not None and at > heard and now - at <= report["silence"]:
            yield Issue(kind("d2l_refused"), name, dongle["problem"])
        elif silent > report["silence"]:
            yield Issue(kind("d2l_silent"), name, f"no frame for {silent / 60:.0f} min")
