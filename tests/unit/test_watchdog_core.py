"""What the watchdog decides about services, over scripted minutes and hours."""

from __future__ import annotations

import pytest
from hems.systemd import Unit
from hems.watchdog.core import Action, ProbeResult, Verb, given_up, next_look
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.watchdog_units import ANSWERS, NAME, OPTIONS, SILENT, UP, Box, unit


def test_one_miss_is_looked_at_again_soon_and_forgotten() -> None:
    box = Box()
    begin = box.now
    assert box.look(UP, SILENT) == []
    assert box.now - begin == OPTIONS.look_again
    assert box.look(UP, ANSWERS) == []
    assert box.now - begin == OPTIONS.look_again + OPTIONS.look
    assert not box.memory.down


def test_three_misses_in_a_row_restart_the_unit_within_15_seconds() -> None:
    box = Box()
    begin = box.now
    assert [box.look(UP, SILENT) for _ in range(3)] == [[], [], [Verb.RESTART]]
    at, action = box.done[0]
    assert at - begin == 2 * OPTIONS.look_again
    assert action == Action(Verb.RESTART, NAME, "3 misses in a row", SILENT.detail)
    assert box.memory.down


def test_an_answer_after_the_restart_closes_the_case() -> None:
    box = Box()
    for _ in range(3):
        box.look(UP, SILENT)
    assert box.look(unit(up_since=box.now - 3), ANSWERS) == []
    assert not box.memory.down
    assert len(box.memory.restarts) == 1


def test_a_service_that_is_still_starting_is_not_missed() -> None:
    box = Box()
    up_since = box.now
    while box.now - up_since < OPTIONS.start:
        assert box.look(unit(up_since=up_since), SILENT) == []
    assert box.memory.misses == 0
    assert not box.memory.down


def test_a_service_that_stays_silent_is_given_up_within_its_budget() -> None:
    box = Box()
    up_since = 0.0
    begin = box.now
    while box.now - begin < OPTIONS.budget_time:
        if Verb.RESTART in box.look(unit(up_since=up_since), SILENT):
            up_since = box.now
    assert len(box.done) == OPTIONS.budget
    assert given_up(box.memory, OPTIONS)
    # The hour is over: it tries again.
    while box.now - begin < OPTIONS.budget_time + 120:
        box.look(unit(up_since=up_since), SILENT)
    assert len(box.done) == OPTIONS.budget + 1


def test_a_restart_that_helps_ends_the_giving_up() -> None:
    box = Box()
    up_since = 0.0
    for _ in range(60):
        if Verb.RESTART in box.look(unit(up_since=up_since), SILENT):
            up_since = box.now
    assert given_up(box.memory, OPTIONS)
    box.look(unit(up_since=up_since), ANSWERS)
    assert not given_up(box.memory, OPTIONS)


def test_what_waits_for_its_start_at_boot_is_not_stopped() -> None:
    box = Box()
    waiting = unit(active="inactive", sub="dead", queued=True, up_since=0.0)
    for _ in range(20):
        assert box.look(waiting, SILENT) == []
        assert not box.memory.stopped and not box.memory.named


def test_what_a_person_stopped_is_shown_and_never_restarted() -> None:
    box = Box()
    for seen in (
        unit(active="deactivating", sub="stop-sigterm"),
        *[unit(active="inactive", sub="dead")] * 50,
        # Stopped by hand, and ended by force since it hung.
        unit(active="failed", sub="failed", result="timeout"),
        unit(active="inactive", sub="dead", load="masked", enabled="masked"),
    ):
        assert box.look(seen, SILENT) == []
    assert box.memory.stopped
    assert not box.memory.down


def test_a_unit_that_failed_is_restarted() -> None:
    box = Box()
    failed = unit(active="failed", sub="failed", result="exit-code")
    assert [box.look(failed, SILENT) for _ in range(3)] == [[], [], [Verb.RESTART]]
    assert box.done[0][1].observed == "failed (failed, exit-code)"


def test_a_unit_that_does_not_exist_is_named_and_not_restarted() -> None:
    box = Box()
    for _ in range(10):
        assert box.look(unit(load="not-found", active="inactive", sub="dead"), SILENT) == []
    assert box.memory.down and box.memory.detail == "not-found"


def test_a_unit_that_systemd_restarts_itself_is_named_and_left_to_it() -> None:
    box = Box()
    again = unit(active="activating", sub="auto-restart", result="exit-code")
    for _ in range(10):
        assert box.look(again, SILENT) == []
    assert box.memory.down


def test_a_refused_password_is_no_reason_to_restart() -> None:
    box = Box()
    refused = ProbeResult(False, "the write got 401", curable=False)
    for _ in range(10):
        assert box.look(UP, refused) == []
    assert box.memory.down


def test_a_stop_that_takes_too_long_is_cut_short_once() -> None:
    box = Box()
    for _ in range(3):
        box.look(UP, SILENT)
    stopping = unit(active="deactivating", sub="stop-sigterm")
    verbs = [verb for _ in range(12) for verb in box.look(stopping, SILENT)]
    assert verbs == [Verb.KILL]
    at = next(at for at, action in box.done if action.verb is Verb.KILL)
    assert OPTIONS.kill_after <= at - box.done[0][0] <= OPTIONS.kill_after + OPTIONS.look_again


def test_a_stop_by_a_person_is_never_cut_short() -> None:
    box = Box()
    stopping = unit(active="deactivating", sub="stop-sigterm")
    assert [verb for _ in range(30) for verb in box.look(stopping, SILENT)] == []


def test_under_the_lock_nothing_is_restarted_until_its_holder_is_forgotten() -> None:
    box = Box()
    box.locked = True
    begin = box.now
    while not box.done:
        box.look(UP, SILENT)
        assert box.now - begin < 2 * OPTIONS.lock_patience
    assert box.done[0][0] - begin >= OPTIONS.lock_patience


def test_after_the_lock_a_service_that_is_still_silent_is_restarted() -> None:
    box = Box()
    box.locked = True
    for _ in range(20):
        box.look(UP, SILENT)
    box.locked = False
    assert box.look(UP, SILENT) == [Verb.RESTART]


seen_units = st.sampled_from(
    [
        (UP, ANSWERS),
        (UP, SILENT),
        (unit(active="failed", sub="failed", result="exit-code"), SILENT),
        (unit(active="inactive", sub="dead"), SILENT),
        (unit(active="activating", sub="auto-restart"), SILENT),
        (unit(active="activating", sub="start"), SILENT),
        (unit(active="deactivating", sub="stop"), SILENT),
        (UP, ProbeResult(False, "refused", curable=False)),
    ]
)


@given(st.lists(st.tuples(seen_units, st.booleans(), st.floats(0, 900)), max_size=200))
def test_whatever_is_seen_the_budget_holds_and_stopped_units_stay_stopped(
    script: list[tuple[tuple[Unit, ProbeResult], bool, float]],
) -> None:
    box = Box()
    for (seen, answer), locked, pause in script:
        box.locked = locked
        verbs = box.look(seen, answer)
        assert not (verbs and seen.active == "inactive")
        assert not (verbs and answer.ok and seen.is_up)
        assert not (Verb.RESTART in verbs and locked and pause == 0)
        box.now += pause
    restarts = [at for at, action in box.done if action.verb is Verb.RESTART]
    for first in restarts:
        within = [at for at in restarts if first <= at < first + OPTIONS.budget_time]
        assert len(within) <= OPTIONS.budget


@pytest.mark.parametrize("misses", [0, 1, 2])
def test_the_next_look_is_soon_only_while_in_doubt(misses: int) -> None:
    box = Box()
    for _ in range(misses):
        box.look(UP, SILENT)
    expected = OPTIONS.look_again if misses else OPTIONS.look
    assert next_look(box.state, OPTIONS) == expected
