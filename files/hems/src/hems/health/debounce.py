"""When something seen becomes an issue, and since when it is one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hems.health.catalogue import Issue


@dataclass
class Debounce:
    """Opens what lasts as long as its kind's ``hold``, closes what is no longer seen at once.

    ``scale`` multiplies every hold (tests compress time).
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        self._first: dict[tuple[str, str], float] = {}  # monotonic seconds
        self._open: dict[tuple[str, str], Issue] = {}

    def open(self, seen: Iterable[Issue], now: float, time: str) -> tuple[Issue, ...]:
        """Return the issues that are open at ``now`` (monotonic s; ``time``: the same, for people).

        An issue keeps the ``since`` of its opening while its detail may change.
        """
        current = {item.key: item for item in seen}
        self._first = {key: self._first.get(key, now) for key in current}
        self._open = {
            key: replace(item, since=self._open[key].since if key in self._open else time)
            for key, item in current.items()
            if key in self._open or now - self._first[key] >= item.kind.hold * self.scale
        }
        return tuple(self._open.values())
