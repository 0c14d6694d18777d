#!/usr/bin/python3
"""A Pi has no clock while it is off: wait for the time at boot, and see when it is set later.

``hems-clock wait SECONDS`` returns as soon as a time server has told the time, or after so many
seconds; only the first of a boot waits. ``hems-clock look`` compares the clock with the last look:
when it was set by more than a minute, Home Assistant, which has timers and a day that end by the
clock, is started again. As soon as a time server has told the time, it also notes which times of
this boot were dated wrong and by how much, and has that corrected. Both end well whatever happens:
nothing here may keep the box down.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STAMP = Path("/run/systemd/timesync/synchronized")  # systemd-timesyncd makes it
CONTAINER = Path("/run/systemd/container")  # its clock is the host's
STATE = Path("/run/hems-clock.json")
WAITED = Path("/run/hems-clock-waited")
MARK = Path("/run/hems-clock/mark.json")  # hems.clock.mark: the newest point at a start
STEPS = Path("/var/lib/hems-clock")  # what hems.clock.correct has to correct, a file each
UNIT = "home-assistant.service"
CORRECT = "hems-clock-correct.service"
STEP_SECONDS = 60.0
FRESH_SECONDS = 30.0  # a time server's mark that is older is not of the step that is looked at
POLL_SECONDS = 0.5


def offset() -> float:
    """Return the wall clock less the monotonic one, s: it changes only when the clock is set."""
    return time.time() - time.monotonic()


def is_synchronised(stamp: Path | None) -> bool:
    """Whether a time server has told the time since the boot; ``stamp`` stands for its mark."""
    if stamp is None and CONTAINER.exists():
        return True
    return (stamp or STAMP).exists()


def step(before: float | None, now: float) -> float:
    """Return by how many seconds the clock was set between two offsets; 0.0: by less than 60."""
    by = 0.0 if before is None else now - before
    return by if abs(by) > STEP_SECONDS else 0.0


def first(offset: float, stamp: float | None) -> dict[str, Any]:
    """Return what is remembered as of the first look of a boot.

    ``offset`` and ``since`` (monotonic s): the clock's, and when it got that one; ``told``: a time
    server has said that it is right; ``stamp``: when one last said something, by the clock;
    ``wrong``: earlier offsets of this boot that no time server had confirmed.
    """
    told = stamp is not None
    return {"offset": offset, "since": 0.0, "told": told, "stamp": stamp, "wrong": []}


def follow(
    before: dict[str, Any], offset: float, now: float, stamp: float | None, newest: int | None
) -> dict[str, Any]:
    """Return what is remembered after a look at ``now`` (monotonic s).

    ``newest`` is the point before which all were there when Home Assistant began to write by the
    clock of ``before``, ns; None: nobody knows.
    """
    news = stamp is not None and stamp != before["stamp"]
    if not step(before["offset"], offset):
        return {**before, "told": before["told"] or news, "stamp": stamp}
    wrong = list(before["wrong"])
    if not before["told"]:
        wrong.append(
            {
                "begin": before["since"],
                "end": now,
                "offset": before["offset"],
                "newest": newest,
            }
        )
    told = news and stamp is not None and abs(stamp - (offset + now)) < FRESH_SECONDS
    return {"offset": offset, "since": now, "told": told, "stamp": stamp, "wrong": wrong}


def steps(after: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what was dated wrong, once that is known.

    ``begin`` and ``end``: as dated, s since 1970; ``by``: what has to be added, s.
    """
    if not after["told"]:
        return []
    return [
        {
            "begin": one["begin"] + one["offset"],
            "end": one["end"] + one["offset"],
            "by": after["offset"] - one["offset"],
            "newest": one["newest"],
        }
        for one in after["wrong"]
        if step(one["offset"], after["offset"])
    ]


def words(found: dict[str, Any]) -> str:
    """Say what is dated wrong."""
    begin, end = (
        datetime.fromtimestamp(found[key], UTC).strftime("%Y-%m-%d %H:%M:%S")
        for key in ("begin", "end")
    )
    late = "early" if found["by"] > 0 else "late"
    return (
        f"A time server has told the time: readings stored as of {begin} to {end} UTC are dated "
        f"{abs(found['by']):.0f} s too {late}. 'journalctl -u {CORRECT}' says what becomes of them."
    )


def wait(seconds: float, stamp: Path | None) -> None:
    """Wait for the time, at most so many seconds."""
    if WAITED.exists():
        return
    deadline = time.monotonic() + seconds
    while not is_synchronised(stamp):
        if time.monotonic() >= deadline:
            print(
                f"No time server has told the time within {seconds:.0f} s: Home Assistant starts "
                f"with {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, which may be wrong.",
                file=sys.stderr,
            )
            break
        time.sleep(POLL_SECONDS)
    WAITED.touch()


def look(stamp: Path | None) -> None:
    """See whether the clock was set since the last look, or is known to be right; act on it."""
    told_at = _modified(stamp or STAMP)
    before, now = _remembered(), offset()
    if before is None:
        _write(STATE, first(now, told_at))
        if any(STEPS.glob("*.json")):  # a power cut came first
            _run(["systemctl", "start", "--no-block", CORRECT])
        return
    by = step(before["offset"], now)
    after = follow(before, now, time.monotonic(), told_at, _newest(before["offset"]))
    show = ["systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", UNIT]
    has_run = bool(by or after["wrong"]) and _run(show).strip() not in ("", "0")
    found = steps(after) if has_run else []
    for number, one in enumerate(found):
        _write(STEPS / f"{one['begin']:.0f}-{number}.json", one)
    if after["told"]:
        after["wrong"] = []
    _write(STATE, after)
    if by:
        print(f"The clock was set by {by:+.0f} s.", file=sys.stderr)
        if has_run:
            _run(["systemctl", "try-restart", UNIT])
    for one in found:
        print(words(one), file=sys.stderr)
    if found:
        # Home Assistant has handed over by now what it had in hand.
        _run(["systemctl", "start", "--no-block", CORRECT])


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _remembered() -> dict[str, Any] | None:
    try:
        known = json.loads(STATE.read_text())
        return known if known.keys() == first(0.0, None).keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def _newest(before: float) -> int | None:
    try:
        mark = json.loads(MARK.read_text())
        return None if step(before, mark["offset"]) else mark["newest"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace a file, so that a power cut leaves the old one or the new one."""
    new = path.with_name(f".{path.name}")
    with new.open("w") as stream:
        json.dump(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Wait for the time, or see that it was set.")
    parser.add_argument("--stamp", type=Path, help="a file that stands for the time's being known")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("wait").add_argument("seconds", type=float)
    commands.add_parser("look")
    options = parser.parse_args()
    if options.command == "wait":
        wait(options.seconds, options.stamp)
    else:
        look(options.stamp)


if __name__ == "__main__":
    main()
