"""What the simulated house draws: the profile, or what a person has written into the load file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.virtual.meter.profile import household_watts

PROFILE = "profile"
MOST_WATTS = 100_000.0

Load = Callable[[float], float]  # seconds of the meter's time to W


def local_seconds() -> float:
    """Return local time in seconds since the year's first midnight."""
    local = time.localtime()
    return local.tm_yday * 86_400.0 + local.tm_hour * 3_600 + local.tm_min * 60 + local.tm_sec


def parse(text: str, seed: int) -> Load:
    """Return the load that a word names: ``profile``, or a constant power in W.

    Raises ValueError with one sentence.
    """
    word = text.strip()
    if word == PROFILE:
        return lambda seconds: household_watts(seconds, seed)
    try:
        watts = float(word)
    except ValueError:
        watts = -1.0
    if not 0 <= watts <= MOST_WATTS:
        message = (
            f"A load is a number of W from 0 to {MOST_WATTS:.0f} or '{PROFILE}', not '{word}'."
        )
        raise ValueError(message)
    return lambda _: watts


class LoadFile:
    """A load that may be changed while the meter runs, by writing another word into a file."""

    def __init__(
        self, path: Path | None, word: str, seed: int, tell: Callable[[str], None]
    ) -> None:
        self._path = path
        self._word = word
        self._seed = seed
        self._tell = tell
        self._load = parse(word, seed)

    def watts(self, seconds: float) -> float:
        """Return the power at a time of the meter, as the file has it now."""
        self._look()
        return self._load(seconds)

    def _look(self) -> None:
        try:
            word = self._path.read_text().strip() if self._path else ""
        except OSError:
            return  # not written yet: what the command line said holds
        # Empty while somebody is writing it.
        if not word or word == self._word:
            return
        self._word = word
        try:
            self._load = parse(word, self._seed)
        except ValueError as error:
            self._tell(f"The load stays as it was: {error}")
        else:
            self._tell(f"The load is now {word}{'' if word == PROFILE else ' W'}.")
