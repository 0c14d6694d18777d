"""How the serial adapter is: what its daemon writes down, and what people read of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hems.linky.labels import Mode
from hems.linky.status import ago
from hems.table import table
from hems.tic.line import Trouble

HEADINGS = ("Adapter", "Mode", "Last reading", "Taken", "Dropped", "Damaged", "Device")
HELD_BACK = "it contradicts the previous reading"
NO_LINKY = "it holds no Linky values"
MOST_DAMAGE = 0.1  # of the groups; at more, readings are missing again and again
WIRES = "the two wires on the meter's terminals I1 and I2"

CHECKS = {
    Trouble.ABSENT: "plug it in, or set hems_tic_device to its name in /dev/serial/by-id",
    Trouble.BUSY: "stop the other program, such as an integration of Home Assistant",
    Trouble.UNUSABLE: "set hems_tic_device to the adapter's name in /dev/serial/by-id",
    Trouble.SILENT: f"check {WIRES} and at the adapter",
    Trouble.GARBLED: f"check that {WIRES} are tight and that no second reader is connected to them",
}
DROPPED = {
    HELD_BACK: "wait three minutes: an exchanged meter is accepted then",
    NO_LINKY: f"check that the adapter is connected to {WIRES}",
}


@dataclass
class Record:
    """What became of the adapter's frames; times are monotonic seconds."""

    started: float
    taken: int = 0
    last: float | None = None  # when one was taken
    refused: Counter[str] = field(default_factory=Counter)
    problem: str = ""  # why the last refused one was
    problem_at: float | None = None

    def note(self, outcome: bool | None, now: float) -> None:
        """Count a frame by what Tracker.take said of it."""
        if outcome:
            self.taken, self.last = self.taken + 1, now
            return
        self.problem, self.problem_at = NO_LINKY if outcome is None else HELD_BACK, now
        self.refused[self.problem] += 1


def report(
    record: Record, trouble: Trouble | None, mode: Mode | None, now: float, **more: Any
) -> dict[str, Any]:
    """Return the status file's content."""
    return {
        "started": record.started,
        "taken": record.taken,
        "last": record.last,
        "refused": dict(record.refused),
        "problem": record.problem,
        "problem_at": record.problem_at,
        "trouble": trouble.name if trouble else "",
        "mode": mode.value if mode else "",
        "monotonic": now,
        **more,
    }


def lines(report: Mapping[str, Any], now: float) -> list[str]:
    """Return what people read of it."""
    row = (
        report["name"],
        report["mode"] or "unknown",
        ago(report["last"], now),
        str(report["taken"]),
        str(sum(report["refused"].values())),
        f"{report['damage']:.0%}",
        report["device"],
    )
    return table(HEADINGS, [row])


def reason(report: Mapping[str, Any]) -> str:
    """Return why no reading is taken, in words; empty where nothing says so."""
    if report["trouble"]:
        return Trouble[report["trouble"]].value
    last, at = report["last"], report["problem_at"]
    if at is not None and (last is None or at > last):
        return f"its last frame was dropped, {report['problem']}"
    return ""


def problems(report: Mapping[str, Any], now: float) -> list[str]:
    """Return a sentence for each thing that an installer should check."""
    found = []
    name, last = report["name"], report["last"]
    if why := reason(report):
        found.append(f"{name}: {why}: {_check(report)}.")
    elif last is None:
        found.append(f"{name}: nothing has been read yet: wait a minute.")
    elif now - last > report["silence"]:
        found.append(f"{name}: silent since {ago(last, now)}: {CHECKS[Trouble.SILENT]}.")
    if report["damage"] > MOST_DAMAGE:
        found.append(
            f"{name}: the checksum of {report['damage']:.0%} of its values is wrong: "
            f"{CHECKS[Trouble.GARBLED]}."
        )
    return found


def _check(report: Mapping[str, Any]) -> str:
    if not report["trouble"]:
        return DROPPED[report["problem"]]
    found = Trouble[report["trouble"]]
    if found is Trouble.GARBLED and report["set_mode"] != "auto":
        return f"the meter may not speak '{report['set_mode']}': set linky_tic_mode to auto"
    return CHECKS[found]
