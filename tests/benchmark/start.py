"""How soon the ``hems`` command is there: its start beside the interpreter's own, as a ratio.

    python3 -m tests.benchmark.start [--turns 20]

Each turn starts both, one right after the other, so that what else the machine does is in both. The
medians are compared. What the ratio is made of is in the imports: tests/unit/test_cli.py keeps the
heavy ones out.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

INTERPRETER = [sys.executable, "-S", "-c", "pass"]
COMMANDS = {
    "hems --version": [sys.executable, "-S", "-m", "hems", "--version"],
    "hems zigbee --help": [sys.executable, "-S", "-m", "hems", "zigbee", "--help"],
}


def seconds(command: Sequence[str]) -> float:
    """Run a command to its end, and return how long it took, s."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=20)
    turns = parser.parse_args().turns
    for name, command in COMMANDS.items():
        pairs = [(seconds(INTERPRETER), seconds(command)) for _ in range(turns)]
        bare, whole = (statistics.median(one) for one in zip(*pairs, strict=True))
        print(
            f"{name}: {whole / bare:.1f} times an interpreter that does nothing "
            f"({whole * 1000:.0f} and {bare * 1000:.0f} ms, medians of {turns})"
        )


if __name__ == "__main__":
    main()
