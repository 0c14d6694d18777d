"""Waiting for something on the box: by asking again and again, as long as one is ready to wait."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

LONG = pytest.mark.skipif(
    not os.environ.get("HEMS_LONG"),
    reason="takes four minutes or more on a Pi of its own: HEMS_LONG=1 runs it",
)
IN_TIME = 120.0  # seconds: back, or named
PAUSE = 0.5  # seconds between two questions


def until(what: Callable[[], Any], seconds: float = IN_TIME) -> Any:
    """Ask until the answer is true and return it; the last answer when the time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := what()) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    return answer


def wait_until(true: Callable[[], Any], seconds: float, what: str) -> None:
    """Ask until it is so; fail in words."""
    assert until(true, seconds), f"after {seconds:g} s it was still not so that {what}"
