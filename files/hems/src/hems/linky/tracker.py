"""One meter: takes what its reader delivers, publishes it, and remembers it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hems.linky import announce, store, values
from hems.linky.meter import take
from hems.linky.publisher import Publisher

SAVE_SECONDS = 900.0  # writes spare the card; no energy depends on them


@dataclass(frozen=True)
class Meter:
    """What the site's variables say of a meter."""

    name: str  # start of its entities' ids
    title: str  # for people
    expire: float  # seconds after which a value is out of date
    prefix: str  # topic that Home Assistant's discovery listens to
    confirm: float = 0.0  # seconds over which an exchanged meter must be heard


class Tracker:
    """Holds a meter's state. Not for several threads."""

    def __init__(self, meter: Meter, directory: Path, say: Callable[[str], None]) -> None:
        self.meter = meter
        self._say = say
        self._path = directory / f"{meter.name}.json"
        self._kept, problem = store.load(self._path)
        if problem:
            say(problem)
        self._taken: float | None = None  # monotonic seconds
        self._saved = float("-inf")
        self._names: frozenset[str] = frozenset(announce.COMMON)
        self.damaged = 0  # values that were none

    @property
    def state(self) -> store.State:
        """What is known of the meter."""
        return self._kept.state

    def discovery(self) -> list[announce.Message]:
        """Return what Home Assistant must know of it."""
        meter = self.meter
        return announce.discovery(meter.prefix, meter.name, meter.title, self._names, meter.expire)

    def take(self, publisher: Publisher, texts: Mapping[str, str], now: float) -> bool | None:
        """Take one frame's labels at ``now`` (monotonic seconds).

        Returns True when it was published or would have been, False when it was held back as it
        contradicts the one before, None when it is no Linky's.
        """
        wall = time.time()
        found = values.read(texts, self._kept.salt, self._elapsed(now, wall), now)
        if found is None:
            return None
        self.damaged += len(found.damaged)
        before = self._kept.state
        state, published = take(before, found.reading, self.meter.confirm)
        self._kept = replace(self._kept, state=state)
        if published is None:
            return False
        if state.changed != before.changed or state.meter != before.meter:
            self._tell(before, state)
        self._taken, self._kept = now, replace(self._kept, at=wall)
        self._publish(published, publisher)
        # What followed a contradiction must not be asked again after a power cut.
        if now - self._saved >= SAVE_SECONDS or before.mode is None or before.doubt is not None:
            self.save(now)
        return True

    def save(self, now: float) -> None:
        """Write down what is known."""
        try:
            store.save(self._path, self._kept)
            self._saved = now
        except OSError as error:
            self._say(f"{self._path} can't be written ({error.strerror}): make room on the disk.")

    def _elapsed(self, now: float, wall: float) -> float | None:
        if self._taken is not None:
            return now - self._taken
        # After a restart only the wall's clock knows, and after a power cut it may be wrong.
        at = self._kept.at
        return wall - at if at is not None and wall > at else None

    def _tell(self, before: store.State, after: store.State) -> None:
        if before.mode is not None:
            name = self.meter.name
            self._say(
                f"Meter '{name}': {after.changed}; its counters continue from where they were."
            )

    def _publish(self, published: Mapping[str, announce.Value], publisher: Publisher) -> None:
        given = {name for name, value in published.items() if value is not None}
        names = frozenset(given & announce.ENTITIES.keys())
        if not names <= self._names:
            self._names |= names
            publisher.send(self.discovery())
        publisher.send([announce.state(self.meter.name, published)])
