"""What the last adoption left for the watchdog, which may not read Home Assistant's files."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from hems import whole_file

FILE = "zigbee.json"  # in the directory of this boot


@dataclass(frozen=True)
class Adopted:
    """How the last adoption ended."""

    device: str = ""  # the dongle of Home Assistant's entry
    problem: str = ""  # why the dongle was not taken


def save(directory: Path, adopted: Adopted) -> None:
    """Replace the file in one step; without it, the watchdog judges by what it sees itself."""
    with suppress(OSError):
        whole_file.write(directory / FILE, json.dumps(asdict(adopted)) + "\n", mode=0o644)


def load(directory: Path) -> Adopted:
    """Return what was left, or nothing; never raises."""
    try:
        content = json.loads((directory / FILE).read_text(encoding="utf-8"))
        return Adopted(str(content["device"]), str(content["problem"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Adopted()
