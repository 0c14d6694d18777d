"""What Home Assistant only says over its WebSocket: its recorder, and where entities have gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hems import HemsError
from hems.health import inside, registry
from hems.health.registry import OURS, Key, Lost
from hems.home_assistant import Access, HomeAssistant
from hems.process import say

REGISTRY = "config/entity_registry/list"
LOOK_SECONDS = 60.0  # between two connections
LEARN_SECONDS = 3600.0  # between two looks at what the meter's entities are: one may be exchanged


class Deep:
    """Asked now and then, and at once about what is missing; ``learnt`` outlives a restart."""

    def __init__(self, access: Access, meters: Sequence[str], learnt: Mapping[str, Key]) -> None:
        """``meters`` are the ids of the meter's entities."""
        self._access, self._meters = access, tuple(meters)
        self.learnt = {one: key for one, key in learnt.items() if one in meters}
        self.recording = True
        self.lost: tuple[Lost, ...] = ()
        self._asked: float | None = None
        self._learnt_at: float | None = None

    def look(self, missing: Sequence[str], now: float) -> None:
        """Ask what is due at ``now`` (monotonic s); ``missing`` entities have no state."""
        due = self._asked is None or now - self._asked >= LOOK_SECONDS
        if not due and {one.entity for one in self.lost} == set(missing):
            return
        self._asked = now
        learn = self._learnt_at is None or now - self._learnt_at >= LEARN_SECONDS
        try:
            with HomeAssistant(self._access) as home_assistant:
                self.recording = inside.recording(home_assistant)
                listed = home_assistant.call(REGISTRY) if missing or learn else []
        except HemsError as error:
            say(f"Home Assistant's recorder and registry can't be asked: {error}")
            self.lost = tuple(Lost(one) for one in missing)
            return
        if learn:
            present = set(self._meters) - set(missing)
            self.learnt |= registry.keys(listed, present)
            self._learnt_at = now if present else None
        self.lost = registry.explain(missing, listed, {**OURS, **self.learnt})

    def called(self, entity: str) -> str:
        """Return the id that a missing entity has now; empty when it is not known."""
        return next((one.now for one in self.lost if one.entity == entity), "")
