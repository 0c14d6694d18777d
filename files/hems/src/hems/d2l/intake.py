"""Frames in, answers out: what a dongle's frame means for its meter, and who is refused why.

No socket and no clock: both are given. Nothing of a frame that can't be taken gets any further.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hems.d2l import frame
from hems.d2l.d2l_settings import Limits
from hems.d2l.frame import FrameError, Key
from hems.linky.labels import Mode

RANDOMS = 256  # a dongle's last ones: a frame with one of them is a replay
STRANGERS = 64  # unknown dongles that are counted by their number; all others together

UNKNOWN = "its number is not among the site's dongles"
NO_KEY = "the box has no key for it"
REPLAY = "it was sent before"
TOO_MANY = "the dongle sends too many"
HELD_BACK = "it contradicts the previous reading"
NO_LINKY = "it holds no Linky values"

Take = Callable[[Mapping[str, str], float], bool | None]


def redacted(number: str) -> str:
    """Return a dongle's number as it may be shown: it is printed on it, and leads to its owner."""
    return f"…{number[-4:]}"


class Refused(Exception):
    """Something was dropped, and counted."""


@dataclass
class Source:
    """One configured dongle: its key, what takes its readings, and how it did."""

    name: str
    number: str
    key: Key | None
    take: Take
    taken: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    last: float | None = None  # monotonic seconds, of the last frame that was taken
    problem: str = ""  # why its last refused frame was
    problem_at: float | None = None
    address: str = ""  # where it last came from
    randoms: deque[bytes] = field(default_factory=lambda: deque(maxlen=RANDOMS))
    tokens: float = 0.0  # of its rate
    counted: float | None = None  # when they were counted


class Intake:
    """Everything that connections have in common."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        limits: Limits,
        say: Callable[[str], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.sources = dict(sources)
        self._limits, self._say, self._wall = limits, say, wall
        self.refused: Counter[str] = Counter()  # of nobody in particular
        self.strangers: Counter[str] = Counter()  # frames by the number, redacted
        self._said: dict[str, float] = {}

    def size(self, data: bytes, address: str, now: float) -> int:
        """Return how many bytes a frame has that begins with these 16.

        Raises Refused when they are no frame's.
        """
        try:
            return frame.header(data).size
        except FrameError as error:
            self.refused[error.fault.value] += 1
            self.tell(f"A connection from {address} sends no D2L frames: {error}.", now)
            raise Refused from error

    def accept(self, data: bytes, address: str, now: float) -> bytes | None:
        """Take one whole frame; return what to answer, None for nothing.

        ``now`` is monotonic seconds. Raises Refused.
        """
        number = frame.header(data).dongle
        source = self.sources.get(number)
        if source is None:
            self._stranger(number, address, now)
            raise Refused
        source.address = address
        if not self._within_rate(source, now):
            self._refuse(source, TOO_MANY, now)
            raise Refused
        if source.key is None:
            self._refuse(source, NO_KEY, now)
            raise Refused
        try:
            content = frame.decode(data, source.key)
            return self._content(source, source.key, content, now)
        except FrameError as error:
            self._refuse(source, error.fault.value, now)
            raise Refused from error

    def _content(self, source: Source, key: Key, content: frame.Frame, now: float) -> bytes | None:
        if content.type == frame.Type.READING and not content.answer:
            if content.random in source.randoms:
                self._refuse(source, REPLAY, now)
                return None
            source.randoms.append(content.random)
            self._reading(source, frame.reading(content), now)
        answer = frame.reply(content, self._wall())
        return None if answer is None else frame.encode(answer, key)

    def _reading(self, source: Source, texts: Mapping[str, str], now: float) -> None:
        outcome = source.take(texts, now)
        if outcome:
            source.taken += 1
            source.last = now
            return
        self._refuse(source, NO_LINKY if outcome is None else HELD_BACK, now)

    def _refuse(self, source: Source, reason: str, now: float) -> None:
        source.refused[reason] += 1
        source.problem, source.problem_at = reason, now
        self.tell(f"A frame of dongle '{source.name}' was dropped: {reason}.", now, source.name)

    def _stranger(self, number: str, address: str, now: float) -> None:
        shown = redacted(number)
        known = shown in self.strangers or len(self.strangers) < STRANGERS
        self.strangers[shown if known else "others"] += 1
        self.refused[UNKNOWN] += 1
        self.tell(f"A frame of dongle {shown} from {address} was dropped: {UNKNOWN}.", now)

    def _within_rate(self, source: Source, now: float) -> bool:
        limits = self._limits
        since = 0.0 if source.counted is None else now - source.counted
        full = limits.burst if source.counted is None else source.tokens + since * limits.rate
        source.tokens, source.counted = min(float(limits.burst), full), now
        if source.tokens < 1:
            return False
        source.tokens -= 1
        return True

    def tell(self, line: str, now: float, about: str = "") -> None:
        """Tell the journal, at most once a minute about a dongle, or about all strangers."""
        if now - self._said.get(about, float("-inf")) >= 60:
            self._said[about] = now
            self._say(line)

    def report(self, modes: Mapping[str, Mode | None], now: float) -> dict[str, Any]:
        """Return how all is, for the status file; seconds are monotonic."""
        return {
            "dongles": [
                {
                    "name": source.name,
                    "number": redacted(source.number),
                    "mode": mode.value if (mode := modes.get(source.name)) else "",
                    "address": source.address,
                    "taken": source.taken,
                    "refused": dict(source.refused),
                    "last": source.last,
                    "problem": source.problem,
                    "problem_at": source.problem_at,
                }
                for source in self.sources.values()
            ],
            "strangers": dict(self.strangers),
            "refused": dict(self.refused),
            "monotonic": now,
        }
