"""``hems history fill``: find what is missing, and give it back, now."""

from __future__ import annotations

import argparse

from hems.history import run as work


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--all",
        action="store_true",
        help="compare everything that Home Assistant's recorder still has",
    )


def run(options: argparse.Namespace) -> int:
    """Do one run and say what it did."""
    found = work.once(whole=options.all)
    print(work.words(found))
    return 0 if found.finished and found.filled + found.refused == found.lost else 1
