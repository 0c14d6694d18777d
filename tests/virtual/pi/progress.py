"""Telling a waiting person what is being done, with the time since the start."""

from __future__ import annotations

import time

_started = time.monotonic()


def elapsed() -> str:
    """Minutes and seconds since the program started, as 3:07."""
    seconds = int(time.monotonic() - _started)
    return f"{seconds // 60}:{seconds % 60:02}"


def phase(words: str) -> None:
    """Announce what begins now."""
    print(f"[{elapsed():>5}] {words}", flush=True)


def detail(words: str) -> None:
    """Announce a part of the phase that runs."""
    phase(f"  {words}")
