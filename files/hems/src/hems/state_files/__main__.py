"""``python -m hems.state_files <part> <directory>``: a service's ExecStartPre, as its own user."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from hems.state_files import notes
from hems.state_files.keeper import Keeper, When
from hems.state_files.table import PARTS


def main() -> int:
    """Look after one part's files; always 0: whatever is wrong here, the service shall start."""
    parser = argparse.ArgumentParser(prog="hems.state_files", description=__doc__)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("directory", type=Path, help="where the part keeps its state")
    parser.add_argument("--most-bytes", type=int, default=0, help="set aside what is larger")
    parser.add_argument("--notes", type=Path, required=True, help="where the watchdog reads them")
    parser.add_argument(
        "--running", action="store_true", help="the service runs: leave alone what it holds open"
    )
    options = parser.parse_args()
    if os.geteuid() == 0:
        print("hems.state_files: run it as the service's user, not as root.", file=sys.stderr)
        return 1
    part = PARTS[options.part]
    keeper = Keeper(part, options.directory, _say, datetime.now(UTC), options.most_bytes)
    found = keeper.look(When.RUNNING if options.running else When.STOPPED)
    for note in found:
        _say(f"set aside {note.file}: {note}")
    if found:
        try:
            notes.add(options.notes, found)
        except OSError as error:
            _say(f"the note for the watchdog can't be written: {error}")
    return 0


def _say(words: str) -> None:
    print(words, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
