"""What the LEDs show, moment by moment."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hems.leds.core import (
    FLASH_SECONDS,
    GRACE_SECONDS,
    PAUSE_SECONDS,
    ROUND_SECONDS,
    Light,
    Observation,
    State,
    is_reachable,
    light,
    step,
    targets_to_ask,
)
from hypothesis import given
from hypothesis import strategies as st

WELL = Observation(home_assistant=True, internet=True, records=0, errors=0, blink=0)
TARGETS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")


def seen(records: int = 0, errors: int = 0, blink: int = 0) -> Observation:
    return Observation(True, True, records, errors, blink)


def rows_of_flashes(state: State, begin: float, seconds: float) -> list[int]:
    """Count the flashes as a person does: those with a long dark before and behind them."""
    now, lit_before, dark_since, row = begin, True, begin, 0
    rows = []
    while now < begin + seconds:
        lit, until = light(state, now)
        assert until is not None and until > now, "a blinking LED changes, and later"
        if lit.error and not lit_before:
            if now - dark_since > 2 * FLASH_SECONDS:
                rows.append(row)
                row = 0
            row += 1
        if lit_before and not lit.error:
            dark_since = now
        lit_before, now = lit.error, until
    return [row for row in rows[1:] if row]


def test_the_first_two_follow_what_was_seen() -> None:
    state = step(State(), WELL, 0)
    assert light(state, 0) == (Light(home_assistant=True, internet=True), None)
    state = step(state, Observation(False, True, 0, 0, 0), 2)
    assert light(state, 2)[0] == Light(internet=True)
    state = step(state, Observation(True, False, 0, 0, 0), 4)
    assert light(state, 4)[0] == Light(home_assistant=True)


def test_the_second_blinks_evenly_while_the_hotspot_is_open() -> None:
    state = step(State(), Observation(True, False, 0, 0, 3, hotspot=True), 100.2)
    now, lit = 100.2, []
    while now < 104.2:
        shown, until = light(state, now)
        assert until is not None and until > now
        if round(now * 2, 6) == round(now * 2):
            lit.append(shown.internet)
        now = until
    assert lit[:6] in ([True, False] * 3, [False, True] * 3)
    assert light(step(state, WELL, 106), 106)[0].internet


def test_an_error_stays_until_newer_records_bring_none() -> None:
    shown = []
    state = State()
    for observation in (
        seen(records=3),
        seen(records=5, errors=1),
        seen(),  # nothing new: the error is still the newest
        seen(records=2, errors=2),
        seen(),
        seen(records=1),
        seen(),
    ):
        state = step(state, observation, 0)
        shown.append(light(state, 0)[0].error)
    assert shown == [False, True, True, True, True, False, False]


@pytest.mark.parametrize("number", range(1, 10))
@given(begin=st.floats(0, 1e8), look=st.floats(0, 100))
def test_an_issues_number_can_be_counted(number: int, begin: float, look: float) -> None:
    state = step(State(), seen(blink=number), begin)
    assert not light(state, begin)[0].error, "it begins with a pause"
    rows = rows_of_flashes(state, begin + look, 6 * (PAUSE_SECONDS + 2 * number * FLASH_SECONDS))
    assert len(rows) >= 3 and set(rows) == {number}


def test_the_flashes_have_their_lengths() -> None:
    state = step(State(), seen(blink=2), 0)
    edges = [0.0]
    levels = []
    while len(edges) < 9:
        lit, until = light(state, edges[-1])
        levels.append(lit.error)
        assert until is not None
        edges.append(until)
    assert levels == [False, True, False, True] * 2
    assert [round(later - earlier, 6) for earlier, later in pairwise(edges)] == [
        PAUSE_SECONDS,
        *[FLASH_SECONDS] * 3,
    ] * 2


def test_a_number_goes_on_while_the_issue_is_the_same_and_outranks_the_log() -> None:
    state = step(State(), seen(blink=3), 10)
    later = step(state, seen(records=1, errors=1, blink=3), 12)
    assert later.since == 10 and later.error
    over = step(later, seen(), 14)
    assert light(over, 14) == (Light(True, True, True), None), "the error in the log is left"
    assert step(later, seen(blink=1), 14).since == 14


def test_pings_take_turns_while_answers_come() -> None:
    asked = [targets_to_ask(TARGETS, turn, 100, 101) for turn in range(4)]
    assert asked == [["192.0.2.1"], ["192.0.2.2"], ["192.0.2.3"], ["192.0.2.1"]]


def test_all_targets_are_asked_before_the_uplink_is_called_gone() -> None:
    late = 2 * ROUND_SECONDS
    assert late + ROUND_SECONDS < GRACE_SECONDS, "their answers still come in time"
    assert targets_to_ask(TARGETS, 1, 100, 100 + late) == TARGETS
    assert targets_to_ask(TARGETS, 1, None, 0) == TARGETS
    assert targets_to_ask((), 1, 100, 101) == []


def test_one_lost_packet_is_no_outage() -> None:
    assert is_reachable(100, 100 + GRACE_SECONDS)
    assert not is_reachable(100, 100.1 + GRACE_SECONDS)
    assert not is_reachable(None, 0)


@given(st.lists(st.booleans(), min_size=1, max_size=300))
def test_no_ping_flood(answers: list[bool]) -> None:
    """Whatever is answered, no more than every target in a round, and one when all is well."""
    answered, sent = None, 0
    for turn, answer in enumerate(answers):
        now = turn * ROUND_SECONDS
        asked = targets_to_ask(TARGETS, turn, answered, now)
        sent += len(asked)
        if answer:
            answered = now
    assert sent <= len(TARGETS) * len(answers)
    if all(answers):
        assert sent == len(answers) + len(TARGETS) - 1
