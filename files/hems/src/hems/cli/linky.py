"""``hems linky``: the Linky meters' readers, D2L dongles and the serial adapter."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hems import HemsError, settings
from hems.cli import d2l
from hems.d2l.d2l_settings import FILE as D2L
from hems.linky import status
from hems.tic import report as tic
from hems.tic.tic_settings import FILE as TIC

UNPRIVILEGED = True
SUMMARY = "show the readers of Linky meters, and what to check on one that does not work"


@dataclass(frozen=True)
class Reader:
    """A kind of reader: its unit, its settings and status, and what is said of it."""

    unit: str
    settings: str
    path: Path
    lines: Callable[[dict[str, Any], float], list[str]]
    problems: Callable[[dict[str, Any], float], list[str]]


READERS = {
    "d2l": Reader("hems-d2l", D2L, status.D2L, d2l.rows, d2l.problems),
    "tic": Reader("hems-tic", TIC, status.TIC, tic.lines, tic.problems),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print it as JSON, for programs")


def run(options: argparse.Namespace) -> int:
    """Show how the readers are; 1 when one of them is silent, refused or can't be read."""
    now = time.monotonic()
    mine = {
        name: one for name, one in READERS.items() if (settings.DIRECTORY / one.settings).exists()
    }
    if not mine:
        raise HemsError(
            "This site has no Linky reader: set hems_d2l_dongles or hems_tic_device, and run the "
            "playbook."
        )
    found = {name: status.read(one.path, now) for name, one in mine.items()}
    sentences = [
        sentence for name, one in mine.items() for sentence in _problems(one, found[name], now)
    ]
    if any(report is not None and not report["broker"] for report in found.values()):
        sentences.append(d2l.BROKER_AWAY)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        shown = [one.lines(report, now) for name, one in mine.items() if (report := found[name])]
        blocks = [*("\n".join(rows) for rows in shown), *sentences]
        print("\n\n".join(blocks))
    return int(bool(sentences))


def _problems(reader: Reader, report: dict[str, Any] | None, now: float) -> list[str]:
    if report is None:
        return [f"{reader.unit} is not running: 'journalctl -u {reader.unit}' shows why."]
    return reader.problems(report, now)
