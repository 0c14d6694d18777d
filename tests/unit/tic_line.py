"""Reading a serial line until something is the matter with it."""

from __future__ import annotations

from collections.abc import Iterator

from hems.tic.line import Line, Trouble
from hems.tic.parser import Frame


def first_trouble(line: Line, frames: Iterator[Frame | None], looks: int = 200) -> Trouble | None:
    """Return what is the matter within so many looks; None when nothing is."""
    for _ in range(looks):
        next(frames)
        if line.trouble:
            break
    return line.trouble
