"""`make arm64`: a step that is done already is passed over, and nothing is left running."""

from __future__ import annotations

import signal
import sys

from tests.virtual.arm64 import run
from tests.virtual.pi.checkout import Failure


def main() -> int:
    """Run it; one sentence on stderr and exit code 1 for what a person can cause."""
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # shut the machine down, too
    run.prepare_environment()
    try:
        run.run()
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: `make arm64` goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
