"""Before Home Assistant writes by a clock that nobody has confirmed: note the newest point.

Later ones can then be told from it. Usage: ``python -m hems.clock.mark FILE STAMP``; ``STAMP``
exists once a time server has told the time. Of one offset of the clock the first mark counts.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from hems import HemsError, whole_file
from hems.clock.database import Database
from hems.process import Surroundings
from hems.settings import APPLIANCE_FILE, DIRECTORY, Appliance, read
from hems.watchdog.startup import read_secrets

STEP_SECONDS = 60.0  # as hems-clock has it


def is_marked(path: Path, offset: float) -> bool:
    """Whether there is a mark for the clock as it goes; ``offset``: wall less monotonic, s."""
    try:
        mark = json.loads(path.read_text(encoding="utf-8"))
        return abs(mark["offset"] - offset) <= STEP_SECONDS and mark["newest"] is not None
    except (OSError, ValueError, KeyError, TypeError):
        return False


def main() -> int:
    """Note it, or that it can't be known."""
    path, stamp = map(Path, sys.argv[1:3])
    offset = time.time() - time.monotonic()
    if stamp.exists() or is_marked(path, offset):
        return 0
    newest = None
    try:
        port = read(DIRECTORY / APPLIANCE_FILE, Appliance).ports.influxdb
        newest = Database(port, read_secrets(Surroundings()).influxdb, "").newest(time.time_ns())
    except HemsError as error:
        print(f"The newest reading is not known: {error}", file=sys.stderr)
    whole_file.write(path, json.dumps({"offset": offset, "newest": newest}), mode=0o600)
    return 0


if __name__ == "__main__":
    sys.exit(main())
