"""What the serial adapter's status file says, as issues."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hems.health.catalogue import Issue, Kind
from hems.linky import status
from hems.tic.line import Trouble
from hems.tic.report import MOST_DAMAGE, reason

CODES = {
    Trouble.SILENT.name: "tic_silent",
    Trouble.GARBLED.name: "tic_unreadable",
    "": "tic_unreadable",  # it is read, and refused
}


def look(now: float, kind: Callable[[str], Kind]) -> Iterator[Issue]:
    """Yield the issues of the file that is there now; see the package."""
    return judge(status.read(status.TIC, now), now, kind)


def judge(
    report: Mapping[str, Any] | None, now: float, kind: Callable[[str], Kind]
) -> Iterator[Issue]:
    """Yield the adapter's issues; ``report`` is None where the daemon gives none.

    ``now`` is monotonic seconds; ``kind`` gives an issue by its code.
    """
    if report is None:
        yield Issue(kind("tic_down"), detail="its status file is missing or old")
        return
    heard = report["started"] if report["last"] is None else report["last"]
    silent = now - heard
    if silent > report["silence"]:
        code = CODES.get(report["trouble"], "tic_unplugged")
        why = reason(report) or Trouble.SILENT.value
        yield Issue(kind(code), report["name"], f"{why}, for {silent / 60:.0f} min")
    elif report["damage"] > MOST_DAMAGE:
        yield Issue(kind("tic_damaged"), report["name"], f"{report['damage']:.0%} of its values")
