"""The command: makes the repository and says what is in it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.virtual.apt_repository import repository
from tests.virtual.apt_repository.packages import packages
from tests.virtual.apt_repository.signing import signer
from tests.virtual.influxdb2_standin import engine
from tests.virtual.pi.checkout import Failure


def main() -> int:
    """Make the repository; the last line printed is JSON for the caller."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.virtual.apt_repository", description=__doc__
    )
    parser.add_argument("--output", type=Path, required=True, help="directory to fill")
    parser.add_argument("--architecture", help="in Debian's words; else this machine's")
    given = parser.parse_args()
    try:
        offered, real = packages(given.architecture or engine.architecture())
        with signer() as key:
            repository.write(given.output, offered, key)
            made = {
                "fingerprint": key.fingerprint,
                "key": repository.KEY,
                "real": real,
                "kind": "real" if real else "stand-in",
                "version": offered[0].fields["Version"],
            }
    except Failure as problem:
        print(f"The repository for InfluxDB could not be made: {problem}.", file=sys.stderr)
        return 1
    print(json.dumps(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
