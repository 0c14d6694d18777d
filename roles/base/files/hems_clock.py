#!/usr/bin/python3
"""A Pi has no clock while it is off: wait for the time at boot, and see when it is set later.

``hems-clock wait SECONDS`` returns as soon as a time server has told the time, or after so many
seconds; only the first of a boot waits. ``hems-clock look`` compares the clock with the last look:
when it was set by more than a minute, it says what was dated wrong and has Home Assistant, which
has timers and a day that end by the clock, started again. Both end well whatever happens: nothing
here may keep the box down.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

STAMP = Path("/run/systemd/timesync/synchronized")  # systemd-timesyncd makes it
CONTAINER = Path("/run/systemd/container")  # its clock is the host's
STATE = Path("/run/hems-clock.json")
WAITED = Path("/run/hems-clock-waited")
UNIT = "home-assistant.service"
STEP_SECONDS = 60.0
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


def words(by: float, since: float, until: float, before: float) -> str:
    """Say what is dated wrong. ``since``, ``until``: monotonic s; ``before``: the offset then."""
    begin, end = (
        datetime.fromtimestamp(moment + before, UTC).strftime("%Y-%m-%d %H:%M:%S")
        for moment in (since, until)
    )
    late = "early" if by > 0 else "late"
    return (
        f"The clock was set by {by:+.0f} s. Readings stored as of {begin} to {end} UTC are dated "
        f"so many seconds too {late}; the house's energy of each day has been put right."
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


def look() -> None:
    """See whether the clock was set since the last look; act on it."""
    try:
        before = float(json.loads(STATE.read_text())["offset"])
    except (OSError, ValueError, KeyError, TypeError):
        before = None
    now = offset()
    STATE.write_text(json.dumps({"offset": now}))
    by = step(before, now)
    if before is None or not by:
        return
    show = ["systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", UNIT]
    shown = subprocess.run(show, capture_output=True, text=True, check=False).stdout.strip()
    since = int(shown) / 1e6 if shown.isdecimal() else 0.0
    if since:
        print(words(by, since, time.monotonic(), before), file=sys.stderr)
        subprocess.run(["systemctl", "try-restart", UNIT], check=False)


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
        look()


if __name__ == "__main__":
    main()
