"""What the serial adapter's status file says, as issues. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hems.health.catalogue import Issue, Kind, issue
from hems.tic.line import Trouble
from hems.tic.report import MOST_DAMAGE, reason

CODES = {
    Trouble.SILENT.name: "tic_silent",
    Trouble.GARBLED.name: "tic_unreadable",
    "": "tic_unreadable",  # it is read, and refused
}


def judge(report: Mapping[str, Any] | None, now: float, down: Kind) -> Iterator[Issue]:
    """Yield the adapter's issues; ``report`` is None where the daemon gives none.

    ``now`` is monotonic seconds; ``down`` is the issue that the daemon is not well.
    """
    if report is None:
        yield Issue(down, detail="its status file is missing or old")
        return
    heard = report["started"] if report["last"] is None else report["last"]
    silent = now - heard
    if silent > report["silence"]:
        code = CODES.get(report["trouble"], "tic_unplugged")
        why = reason(report) or Trouble.SILENT.value
        yield issue(code, f"{why}, for {silent / 60:.0f} min", report["name"])
    elif report["damage"] > MOST_DAMAGE:
        yield issue("tic_damaged", f"{report['damage']:.0%} of its values", report["name"])
