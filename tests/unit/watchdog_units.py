"""A unit that the watchdog looks at again and again, for its tests."""

from __future__ import annotations

import dataclasses
from typing import Any

from hems.systemd import Unit
from hems.watchdog.core import Action, Observation, ProbeResult, State, Verb, decide, next_look

from tests.unit.watchdog_settings import SETTINGS

OPTIONS = SETTINGS.services
NAME = "influxdb.service"
UP = Unit(NAME, "loaded", "active", "running", "success", 0, "enabled")
ANSWERS = ProbeResult(True, "answers")
SILENT = ProbeResult(False, "does not answer: timed out")


def unit(**changes: Any) -> Unit:
    return dataclasses.replace(UP, **changes)


class Box:
    """Looks at one service again and again, as the daemon does."""

    def __init__(self, start: float = 10_000.0) -> None:
        self.state, self.now, self.locked = State(), start, False
        self.done: list[tuple[float, Action]] = []

    def look(self, seen: Unit, answer: ProbeResult) -> list[Verb]:
        observation = Observation(seen, answer, OPTIONS.start)
        self.state, actions = decide(self.state, [observation], self.now, self.locked, OPTIONS)
        self.done += [(self.now, action) for action in actions]
        self.now += next_look(self.state, OPTIONS)
        return [action.verb for action in actions]

    @property
    def memory(self) -> Any:
        return self.state.of(NAME)
