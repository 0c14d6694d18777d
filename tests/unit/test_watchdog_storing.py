"""Readings that Home Assistant has must be in InfluxDB; a full disk is cured in both."""

from __future__ import annotations

import pytest
from hems.watchdog.aftermath import GRACE_SECONDS, REFUSED_SECONDS, Aftermath, again, decide
from hems.watchdog.core import Action
from hems.watchdog.storing import AGE_SECONDS, Reading, Storing

UNIT = "home-assistant.service"


def reading(second: int) -> Reading:
    return Reading("sensor.meter_power", "W", f"2026-11-26T12:00:{second:02}+00:00")


class Box:
    """Looks every 30 s at a meter whose value changes every ``every`` seconds."""

    def __init__(self, stored: bool | None) -> None:
        self.stored, self.asked = stored, 0
        self.storing = Storing(self.ask)
        self.now = 0.0

    def ask(self, _: Reading) -> bool | None:
        self.asked += 1
        return self.stored

    def look(self, updated: int) -> str:
        self.now += AGE_SECONDS
        return self.storing.look(reading(updated), self.now)


def test_readings_that_are_stored_are_no_matter() -> None:
    box = Box(stored=True)
    assert [box.look(second) for second in range(10)] == [""] * 10
    assert box.asked >= 4


def test_two_in_a_row_that_are_not_are_named_and_one_that_is_ends_it() -> None:
    box = Box(stored=False)
    said = [box.look(second) for second in range(6)]
    assert said[:3] == ["", "", ""]
    assert said[-1].startswith("sensor.meter_power of 2026-11-26T12:00:")
    box.stored = True
    assert [box.look(second) for second in range(6, 10)][-1] == ""


def test_a_flat_load_makes_no_points_and_no_issue() -> None:
    box = Box(stored=False)
    assert [box.look(0) for _ in range(20)] == [""] * 20
    assert box.asked == 0


def test_a_database_that_does_not_say_is_another_issue() -> None:
    box = Box(stored=None)
    assert [box.look(second) for second in range(10)] == [""] * 10


def test_without_a_value_it_begins_anew() -> None:
    box = Box(stored=False)
    for second in range(6):
        box.look(second)
    assert box.storing.look(None, box.now) == ""
    assert box.look(7) == ""


def test_the_question_finds_one_point() -> None:
    asked = Reading("sensor.a_power", "W", "2026-11-26T12:00:00.123456+00:00").question()
    assert 'FROM "W"' in asked and "entity_id = 'a_power'" in asked
    assert "time >= 1795694399123456000" in asked and "time <= 1795694401123456000" in asked
    assert 'FROM "sensor.x"' in Reading("sensor.x", "", "2026-11-26T12:00:00+00:00").question()


# After a full disk

Faults = tuple[str, ...] | None


def run(
    steps: list[tuple[float, bool, Faults]], locked: bool = False, state: Aftermath | None = None
) -> list[Action]:
    state, done = state or Aftermath(), []
    for now, full, faults in steps:
        state, action = decide(state, full, faults, now, locked=locked, unit=UNIT)
        done += [action] if action else []
    return done


HURT = ("its recorder has stopped",)


def test_a_restart_that_was_refused_is_tried_again_later() -> None:
    """On a box so busy that systemd did not answer, the one restart was spent on nothing."""
    steps: list[tuple[float, bool, Faults]] = [
        (500.0 + 30 * number, False, HURT) for number in range(60)
    ]
    assert len(run(steps, state=again(500.0))) == 1
    soon = [step for step in steps if step[0] < 500 + REFUSED_SECONDS]
    assert run(soon, state=again(500.0)) == []


def test_what_a_full_disk_broke_is_restarted_once_when_there_is_room() -> None:
    steps: list[tuple[float, bool, Faults]] = [(0, True, HURT), (30, True, None)]
    steps += [(60.0 + 30 * number, False, HURT) for number in range(20)]
    (action,) = run(steps)
    assert (action.subject, action.observed) == (UNIT, "its recorder has stopped")


@pytest.mark.parametrize("faults", [(), None])
def test_what_is_whole_or_does_not_say_is_not(faults: Faults) -> None:
    steps = [(0.0, True, faults), *((30.0 * n, False, faults) for n in range(1, 20))]
    assert run(steps) == []


def test_what_is_broken_without_a_full_disk_is_not() -> None:
    assert run([(30.0 * number, False, HURT) for number in range(20)]) == []


def test_it_waits_for_the_lock_and_for_what_recovers_by_itself() -> None:
    steps: list[tuple[float, bool, Faults]] = [(0, True, HURT), (30, False, HURT)]
    assert run([*steps, (30 + GRACE_SECONDS - 1, False, HURT)]) == []
    assert len(run([*steps, (30 + GRACE_SECONDS, False, HURT)])) == 1
    assert run([*steps, (30 + GRACE_SECONDS, False, HURT)], locked=True) == []
