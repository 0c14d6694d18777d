"""What the serial adapter's status file says, as issues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hems.health.catalogue import Issue, Named
from hems.linky import status
from hems.linky.issues import of_reader
from hems.tic.line import Trouble
from hems.tic.report import MOST_DAMAGE, reason

CODES = {
    Trouble.SILENT.name: "tic_silent",
    Trouble.GARBLED.name: "tic_unreadable",
    "": "tic_unreadable",  # it is read, and refused
}


def look(now: float, kind: Named) -> Iterable[Issue]:
    """Return the issues of the file that is there now; see the package."""
    return of_reader(status.TIC, now, kind, "tic_down", judge)


def judge(report: Mapping[str, Any], now: float, kind: Named) -> Iterator[Issue]:
    """Yield the adapter's issues; see the package."""
    heard = report["started"] if report["last"] is None else report["last"]
    silent = now - heard
    if silent > report["silence"]:
        code = CODES.get(report["trouble"], "tic_unplugged")
        why = reason(report) or Trouble.SILENT.value
        yield Issue(kind(code), report["name"], f"{why}, for {silent / 60:.0f} min")
    elif report["damage"] > MOST_DAMAGE:
        yield Issue(kind("tic_damaged"), report["name"], f"{report['damage']:.0%} of its values")
