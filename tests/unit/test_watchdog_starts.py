"""What never comes up, or comes up and says nothing, is named within two minutes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hems.health.debounce import Debounce
from hems.health.inside import RECOVERY, Inside
from hems.health.judge import Seen, judge
from hems.systemd import Unit
from hems.watchdog import observe
from hems.watchdog.core import Observation, State, Verb, decide, next_look

from tests.unit.service_entries import kind
from tests.unit.watchdog_settings import SETTINGS
from tests.unit.watchdog_units import ANSWERS, NAME, OPTIONS, SILENT, UP, Box, unit

FAULT = 10_000.0  # when it happens
IN_TIME = 120.0
PROBES = 5.0  # seconds that a look at a silent service takes
SLOW = 300.0
DOWN = [
    "broker_down",
    "influxdb_down",
    "home_assistant_down",
    "door_down",
    "door_login_down",
    "editor_down",
]


def dies(after: float) -> Callable[[float], Unit]:
    """A unit that dies some seconds after each start; systemd starts it again after 5 s."""

    def at(now: float) -> Unit:
        count, within = divmod(now - FAULT, after + 5)
        if within >= after:
            return unit(active="activating", sub="auto-restart", restarts=int(count))
        return unit(up_since=now - within, restarts=int(count))

    return at


SCRIPTS: dict[str, tuple[float, Callable[[float], Unit]]] = {
    "hangs": (OPTIONS.start, lambda _: UP),
    "Home Assistant hangs": (SLOW, lambda _: UP),
    "failed": (SLOW, lambda _: unit(active="failed", sub="failed", result="exit-code")),
    "ends at once": (SLOW, lambda _: unit(active="activating", sub="auto-restart")),
    "hangs in its start": (
        OPTIONS.start,
        lambda _: unit(active="activating", sub="start", begun=FAULT),
    ),
    "slow one hangs in its start": (
        SLOW,
        lambda _: unit(active="activating", sub="start", begun=FAULT),
    ),
    "silent from its start": (OPTIONS.start, lambda _: unit(up_since=FAULT)),
    "Home Assistant silent from its start": (SLOW, lambda _: unit(up_since=FAULT)),
    "Home Assistant dies in its start": (SLOW, dies(20.0)),
    "Home Assistant dies late in its start": (SLOW, dies(100.0)),
}


@pytest.mark.parametrize("wait", [0.0, 10.0, 20.0, 29.9])
@pytest.mark.parametrize("script", SCRIPTS)
def test_with_the_shipped_settings_it_is_named_in_time(script: str, wait: float) -> None:
    start, at = SCRIPTS[script]
    state, now = State(), FAULT + wait
    while not state.of(NAME).named:
        observation = Observation(at(now), SILENT, start)
        state, _ = decide(state, [observation], now, False, SETTINGS.services)
        now += PROBES
        assert now - FAULT <= IN_TIME
        if not state.of(NAME).named:
            now += next_look(state, SETTINGS.services)


@pytest.mark.parametrize("code", ["service_crashing", "home_assistant_recovery", *DOWN])
def test_its_name_is_not_held_back(code: str) -> None:
    assert kind(code).hold == 0


def test_recovery_mode_is_named_when_it_is_seen() -> None:
    """It never passes by itself, so that nothing is gained by waiting."""
    half = Inside(RECOVERY, "2026.10.4", (), None)
    debounce = Debounce(SETTINGS.health.hold_scale)
    opened = debounce.open(judge(Seen(inside=half), SETTINGS.health), FAULT, "")
    assert [item.kind.code for item in opened] == ["home_assistant_recovery"]


def test_an_api_that_stays_silent_is_named_in_time() -> None:
    rounds = observe.PATIENCE + 1
    assert rounds * (OPTIONS.look + PROBES) <= IN_TIME


def test_a_start_that_hangs_is_named_and_left_to_systemd() -> None:
    box = Box()
    hanging = unit(active="activating", sub="start", begun=box.now)
    for _ in range(40):
        assert box.look(hanging, SILENT) == []
    assert box.memory.down and box.memory.detail == "activating (start)"
    assert box.look(unit(up_since=box.now - 1), ANSWERS) == []
    assert not box.memory.named


def test_a_slow_start_is_named_and_not_restarted_before_its_time() -> None:
    state, now = State(), FAULT
    restarts: list[float] = []
    while not restarts:
        observation = Observation(unit(up_since=FAULT), SILENT, SLOW)
        state, actions = decide(state, [observation], now, False, OPTIONS)
        restarts += [now for action in actions if action.verb is Verb.RESTART]
        now += next_look(state, OPTIONS)
    assert restarts[0] - FAULT >= SLOW
    assert state.of(NAME).detail == SILENT.detail
    # It answers after all.
    observation = Observation(unit(up_since=now - 1), ANSWERS, SLOW)
    state, _ = decide(state, [observation], now, False, OPTIONS)
    assert not state.of(NAME).named


def test_one_miss_of_a_service_that_came_up_lately_names_nothing() -> None:
    state, now = State(), FAULT
    for answer in (SILENT, ANSWERS, ANSWERS, ANSWERS, SILENT, ANSWERS, SILENT):
        observation = Observation(unit(up_since=FAULT), answer, SLOW)
        state, _ = decide(state, [observation], now, False, OPTIONS)
        assert not state.of(NAME).named
        now += next_look(state, OPTIONS)
