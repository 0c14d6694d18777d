"""Give points that a wrong clock dated their right dates.

Usage: ``python -m hems.clock.correct DIRECTORY``; each file that ``hems-clock`` wrote there is one
time with a wrong clock. First all its points are copied into a file, with their right dates; then
they are deleted; then the copy is written. Whatever breaks that off, the next run goes on with it
and loses nothing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from hems import HemsError, whole_file
from hems.clock import core
from hems.clock.database import Database
from hems.settings import APPLIANCE_FILE, DIRECTORY, Appliance, read
from hems.watchdog.startup import CREDENTIALS

BATCH = 5000  # points that are written at once
MOVED = "moved.txt"  # first and last wrong date (ns since 1970) a line, the newest last
MOST_MOVED = 50  # lines


def correct(path: Path, database: Database) -> str:
    """Do what a file says and remove it; return what was done, in a sentence or two.

    Raises HemsError and OSError: nothing is lost, and the next call goes on. Raises ValueError,
    KeyError or TypeError when the file can't be understood.
    """
    noted: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    found, copy = core.step(noted), path.with_suffix(".points")
    if "copied" not in noted:
        ranges = core.movable(found, time.time_ns())
        _remember(path.parent / MOVED, ranges)
        noted |= {"ranges": ranges, "copied": _copy(found, ranges, database, copy)}
        _note(path, noted)
    ranges = [(int(first), int(last)) for first, last in noted["ranges"]]
    if "deleted" not in noted:
        for one in core.deletable(found, ranges, time.time_ns()) if noted["copied"] else []:
            database.delete(one)
        noted["deleted"] = True
        _note(path, noted)
    with copy.open(encoding="utf-8") as stream:
        points = map(json.loads, stream)
        while some := list(islice(points, BATCH)):
            database.write(some)
    path.unlink()
    copy.unlink()
    return said(found, ranges, noted["copied"])


def said(found: core.Step, ranges: list[core.Range], points: int) -> str:
    """Say what was done."""
    late = "later" if found.by > 0 else "earlier"
    moved = f"{points} points in InfluxDB are now dated {abs(found.by) / core.NS:.0f} s {late}."
    rest = core.left(found, ranges)
    if found.newest is None:
        return (
            f"Points of {_span((found.begin, found.end))} keep their wrong dates: it isn't known "
            "which of them are older, since InfluxDB did not answer when Home Assistant started."
        )
    kept = " and ".join(map(_span, rest))
    why = f" What is dated {kept} stays as it is: points of another time are among it."
    return moved + (why if _matters(found, rest) else "")


def _matters(found: core.Step, rest: list[core.Range]) -> bool:
    """Whether what is left can hold points: before the first one of a start there are none."""
    return any(last > found.begin and (found.newest or 0) > first for first, last in rest) or (
        found.by < 0 and bool(rest)
    )


def _copy(found: core.Step, ranges: list[core.Range], database: Database, copy: Path) -> int:
    """Write all points of the ranges into a file, with their right dates; return how many."""
    count = 0
    types = database.types() if ranges else {}
    with copy.open("w", encoding="utf-8", newline="") as stream:
        os.fchmod(stream.fileno(), 0o600)
        for one in core.slices(ranges):
            for line in database.read(one, types, found.by):
                stream.write(json.dumps(line) + "\n")
                count += 1
        stream.flush()
        os.fsync(stream.fileno())
    return count


def _remember(path: Path, ranges: list[core.Range]) -> None:
    """Tell who compares InfluxDB with Home Assistant's recorder, which keeps the wrong dates."""
    known = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    fresh = [f"{first} {last}" for first, last in ranges]
    lines = [*known, *(line for line in fresh if line not in known)][-MOST_MOVED:]
    if fresh:
        whole_file.write(path, "".join(f"{line}\n" for line in lines), mode=0o644)


def _note(path: Path, noted: dict[str, Any]) -> None:
    whole_file.write(path, json.dumps(noted), mode=0o600)


def _span(one: core.Range) -> str:
    first, last = (datetime.fromtimestamp(at / core.NS, UTC) for at in one)
    return f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"


def main() -> int:
    """Correct everything that there is; 1 when something has to be tried again."""
    directory = Path(sys.argv[1])
    waiting = sorted(directory.glob("*.json"))
    for done in {*directory.glob("*.points")} - {path.with_suffix(".points") for path in waiting}:
        done.unlink()
    if not waiting:
        return 0
    secrets = Path(os.environ["CREDENTIALS_DIRECTORY"])
    reads, writes = (
        (secrets / name).read_text(encoding="utf-8").removesuffix("\n")
        for name in (CREDENTIALS[1], "influxdb_token_home_assistant")
    )
    failed = False
    for path in waiting:
        try:
            port = read(DIRECTORY / APPLIANCE_FILE, Appliance).ports.influxdb
            print(correct(path, Database(port, reads, writes)))
        except (HemsError, OSError) as error:
            failed = True
            print(f"Dates are not corrected yet, and will be tried again: {error}", file=sys.stderr)
        except (ValueError, KeyError, TypeError) as error:
            path.replace(path.with_suffix(".broken"))
            print(f"{path} can't be understood and is set aside: {error}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
