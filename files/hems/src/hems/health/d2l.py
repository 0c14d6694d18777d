"""What the D2L daemon's status file says about the dongles, as issues. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hems.health.catalogue import Issue, Kind, issue


def judge(report: Mapping[str, Any] | None, now: float, down: Kind) -> Iterator[Issue]:
    """Yield the issues of the dongles; ``report`` is None where the daemon gives none.

    ``now`` is monotonic seconds; ``down`` is the issue that the daemon is not well.
    """
    if report is None:
        yield Issue(down, detail="its status file is missing or old")
        return
    for dongle in report["dongles"]:
        name, last, at = dongle["name"], dongle["last"], dongle["problem_at"]
        heard = report["started"] if last is None else last
        silent = now - heard
        if at is not None and at > heard and now - at <= report["silence"]:
            yield issue("d2l_refused", dongle["problem"], name)
        elif silent > report["silence"]:
            yield issue("d2l_silent", f"no frame for {silent / 60:.0f} min", name)
