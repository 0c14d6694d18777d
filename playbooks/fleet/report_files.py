# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The report as files: a page that needs nothing else, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from hems import whole_file
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from playbooks.fleet.checkout import FleetError
from playbooks.fleet.report import NEEDS, STATES, Event, Row, duration, releases, rings, running

HISTORY = "history.json"
NAMES = ("fleet.html", "fleet.json", "fleet.csv")
COLUMNS = (
    "site",
    "ring",
    "state",
    "why",
    "time",
    "release",
    "serial",
    "result",
    "reason",
    "reading",
    "disk",
    "temperature",
    "certificate",
    "issues",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would reckon


@dataclass(frozen=True)
class Report:
    """What is reported."""

    rows: Sequence[Row]
    history: Sequence[Event]
    order: Sequence[str]  # of the rings
    strange: Sequence[str]  # whose receipts came though the inventory has no such site
    now: datetime


def page(report: Report) -> str:
    """Return the page; every value is escaped."""
    world = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    counts = {state: sum(one.state == state for one in report.rows) for state in STATES}
    return world.get_template("report.html.j2").render(
        rows=report.rows,
        counts={state: number for state, number in counts.items() if number},
        needs=[one for one in report.rows if one.state in NEEDS],
        rings=rings(report.rows, report.order),
        releases=releases(report.history, report.rows),
        places={name: place for place, name in enumerate(report.order)},
        ranks={name: place for place, name in enumerate(STATES)},
        strange=report.strange,
        now=report.now,
        duration=duration,
        running=running,
    )


def as_json(report: Report) -> bytes:
    """Return everything for programs."""
    told = {
        "time": report.now,
        "sites": [asdict(one) | {"receipt": one.receipt} for one in report.rows],
        "strange": report.strange,
    }
    return msgspec.json.format(msgspec.json.encode(told)) + b"\n"


def as_csv(judged: Sequence[Row]) -> str:
    """Return a line for each site."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in judged:
        receipt = one.receipt
        mine: dict[str, Any] = {"site": one.site, "ring": one.ring, "state": one.state}
        told = msgspec.structs.asdict(receipt) if receipt else {}
        told |= mine | {"why": " ".join(one.why), "issues": " ".join(told.get("issues", ()))}
        told["time"] = receipt.time.strftime("%Y-%m-%dT%H:%M:%SZ") if receipt else ""
        writer.writerow([_cell(told.get(column)) for column in COLUMNS])
    return out.getvalue()


def _cell(value: object) -> object:
    """Return a value that a spreadsheet takes for no formula; a whole number without a point."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def read_history(directory: Path) -> list[Event]:
    """Return what earlier reports have seen. Raises FleetError."""
    path = directory / HISTORY
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Event])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError) as error:
        raise FleetError(f"{path} can't be read ({error}): move it away.") from error


def write(directory: Path, report: Report) -> Path:
    """Write all of it; return where the page is. Raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    html, told, table = (directory / name for name in NAMES)
    whole_file.write(directory / HISTORY, msgspec.json.encode(list(report.history)))
    whole_file.write(told, as_json(report))
    whole_file.write(table, as_csv(report.rows))
    whole_file.write(html, page(report))
    return html
