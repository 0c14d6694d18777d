"""What the D2L daemon's status file says about the dongles, as issues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hems.health.catalogue import Issue, Named
from hems.linky import status
from hems.linky.issues import of_reader


def look(now: float, kind: Named) -> Iterable[Issue]:
    """Return the issues of the file that is there now; see the package."""
    return of_reader(status.D2L, now, kind, "d2l_down", judge)


def judge(report: Mapping[str, Any], now: float, kind: Named) -> Iterator[Issue]:
    """Yield the issues of the dongles; see the package."""
    for dongle in report["dongles"]:
        name, last, at = dongle["name"], dongle["last"], dongle["problem_at"]
        heard = report["started"] if last is None else last
        silent = now - heard
        if at is not None and at > heard and now - at <= report["silence"]:
            yield Issue(kind("d2l_refused"), name, dongle["problem"])
        elif silent > report["silence"]:
            yield Issue(kind("d2l_silent"), name, f"no frame for {silent / 60:.0f} min")
