"""What the house has used: readings that err, meters that are exchanged, clocks that are wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.modules import load_module

house: Any = load_module("roles/home_assistant/files/custom_components/hems/ledger.py")
MONDAY, TUESDAY, THURSDAY = "2026-11-23", "2026-11-24", "2026-11-26"


def after(*readings: float, day: str = MONDAY, ledger: Any = None) -> Any:
    ledger = house.Ledger() if ledger is None else ledger
    for kwh in readings:
        ledger = house.turn(house.read(ledger, kwh), day)
    return ledger


def test_energy_is_the_meters_and_today_begins_with_its_first_reading() -> None:
    ledger = after(156.84, 156.97)
    assert (ledger.energy, ledger.today, ledger.dropped) == (156.97, 0.13, 0)


@pytest.mark.parametrize("lone", [0.0, 12.5, 156.0])
def test_a_lone_lower_reading_is_dropped_counted_and_no_consumption(lone: float) -> None:
    before = after(156.84, 156.97)
    doubtful = after(lone, ledger=before)
    assert (doubtful.energy, doubtful.today) == (156.97, 0.13)
    ledger = after(156.98, ledger=doubtful)
    assert (ledger.energy, ledger.today, ledger.dropped) == (156.98, 0.14, 1)
    assert ledger.exchanged == 0


@pytest.mark.parametrize(("first", "second"), [(0.0, 0.02), (40.0, 40.0), (40.0, 40.02)])
def test_a_confirmed_lower_reading_is_another_meter_and_no_consumption(
    first: float, second: float
) -> None:
    ledger = after(156.84, 156.97, first, second)
    used = second - first
    assert (ledger.exchanged, ledger.dropped) == (1, 0)
    assert ledger.energy == pytest.approx(156.97 + used)
    assert ledger.today == pytest.approx(0.13 + used)
    more = after(second + 1, ledger=ledger)
    assert more.energy == pytest.approx(157.97 + used)


@pytest.mark.parametrize("zeros", [2, 7])
def test_a_reader_that_says_0_for_a_while_is_no_other_meter(zeros: int) -> None:
    doubtful = after(156.84, 156.97, *[0.0] * zeros)
    assert (doubtful.energy, doubtful.exchanged) == (156.97, 0)
    ledger = after(156.98, ledger=doubtful)
    assert (ledger.energy, ledger.today, ledger.dropped) == (156.98, 0.14, 1)


def test_a_new_meter_at_0_counts_from_there() -> None:
    ledger = after(156.84, 156.97, 0.0, 0.0, 0.0, 0.02)
    assert (ledger.energy, ledger.today, ledger.exchanged) == (156.99, 0.15, 1)


def bounded(*readings: float, most: float | None, ledger: Any = None) -> Any:
    ledger = house.Ledger() if ledger is None else ledger
    for kwh in readings:
        ledger = house.turn(house.read(ledger, kwh, most), MONDAY)
    return ledger


def test_a_new_meter_that_begins_higher_is_no_consumption() -> None:
    before = after(156.84, 156.97)
    doubtful = bounded(8_431.2, most=11.0, ledger=before)
    assert (doubtful.energy, doubtful.today) == (156.97, 0.13)
    ledger = bounded(8_431.5, most=22.0, ledger=doubtful)
    assert (ledger.exchanged, ledger.dropped) == (1, 0)
    assert (ledger.energy, ledger.today) == (157.27, pytest.approx(0.43))
    assert bounded(8_432.5, most=11.0, ledger=ledger).energy == 158.27


def test_a_lone_reading_that_no_fuse_lets_through_is_dropped() -> None:
    ledger = bounded(8_431.2, 156.98, most=11.0, ledger=after(156.84, 156.97))
    assert (ledger.energy, ledger.dropped, ledger.exchanged) == (156.98, 1, 0)
    ledger = bounded(8_431.2, 500.0, 156.98, most=11.0, ledger=after(156.84, 156.97))
    assert (ledger.energy, ledger.dropped, ledger.exchanged) == (156.98, 2, 0)


def test_what_a_fuse_lets_through_in_the_time_is_consumption() -> None:
    assert house.bound(44_000, 3 * 3600) == 132
    ledger = bounded(156.97 + 131, most=house.bound(44_000, 3 * 3600), ledger=after(156.97))
    assert (ledger.energy, ledger.doubt) == (287.97, None)


def test_a_start_without_the_time_takes_what_the_outage_may_have_used() -> None:
    assert bounded(900.0, most=None, ledger=after(156.97)).energy == 900.0
    doubtful = bounded(8_431.2, most=11.0, ledger=after(156.97))
    ledger = bounded(8_431.4, most=None, ledger=doubtful)
    assert (ledger.energy, ledger.exchanged) == (157.17, 1), "it was too much before the restart"


def test_falling_readings_confirm_nothing() -> None:
    ledger = after(156.84, 156.97, 100.0, 50.0, 156.98)
    assert (ledger.energy, ledger.dropped, ledger.exchanged) == (156.98, 2, 0)


def test_a_readers_first_0_is_not_where_the_counter_begins() -> None:
    ledger = after(0.0)
    assert ledger.energy is None
    ledger = after(156.97, ledger=ledger)
    assert (ledger.energy, ledger.today) == (156.97, 0.0)
    assert after(0.0, 0.0).energy == 0.0, "a new meter"


def test_what_a_display_rounds_off_is_no_drop() -> None:
    ledger = after(156.97, 156.968, 156.972)
    assert (ledger.energy, ledger.dropped, ledger.exchanged) == (156.972, 0, 0)


@settings(deadline=None)
@given(
    st.lists(st.floats(min_value=0, max_value=1e6).map(lambda kwh: round(kwh, 3)), min_size=1),
    st.none() | st.floats(min_value=0, max_value=1e6),
)
def test_energy_never_falls_and_days_hold_all_of_it(
    readings: list[float], most: float | None
) -> None:
    ledger, last, began = house.Ledger(), None, None
    for number, kwh in enumerate(readings):
        before = ledger.energy
        ledger = house.turn(house.read(ledger, kwh, most), f"2026-11-{1 + number % 28:02}")
        if before is not None and most is not None:
            assert ledger.energy <= before + most + 0.02, "more than the fuse allows"
        if ledger.energy is None:
            continue
        began = ledger.energy if began is None else began
        assert last is None or ledger.energy >= last
        last = ledger.energy
        if number < 28:
            counted = sum(ledger.days.values()) + ledger.today
            assert counted == pytest.approx(ledger.energy - began, abs=1e-3)


def test_a_day_ends_with_what_was_read_on_it() -> None:
    ledger = after(100.0, 108.0)
    ledger = after(109.5, day=TUESDAY, ledger=house.turn(ledger, TUESDAY))
    assert ledger.days == {MONDAY: 8.0}
    assert ledger.today == 1.5
    assert house.week(ledger)[:3] == [(TUESDAY, 1.5), (MONDAY, 8.0), ("2026-11-22", None)]
    assert len(house.week(ledger)) == 7


def test_a_second_back_over_midnight_loses_nothing() -> None:
    ledger = house.turn(after(100.0, 108.0), TUESDAY)
    back = house.turn(ledger, MONDAY)
    assert (back.day, back.today) == (MONDAY, 8.0)
    assert house.turn(back, TUESDAY).days == {MONDAY: 8.0}


def test_what_a_late_clock_dated_wrong_goes_to_the_right_day() -> None:
    """Power cut on Monday; it comes back on Thursday with Monday's clock."""
    ledger = house.doubt_clock(after(100.0, 108.0))
    ledger = after(120.5, 121.0, ledger=ledger)
    assert ledger.today == 21.0, "until somebody knows better"
    ledger = house.correct_clock(ledger, THURSDAY)
    assert ledger.days == {MONDAY: 8.0}
    assert (ledger.day, ledger.today) == (THURSDAY, 13.0)
    assert ledger.unsure is None


def test_days_that_ended_by_a_late_clock_move_with_it() -> None:
    ledger = house.doubt_clock(after(100.0, 108.0))
    ledger = after(110.0, ledger=ledger)  # Wednesday, in truth
    ledger = after(111.0, day=TUESDAY, ledger=house.turn(ledger, TUESDAY))
    ledger = house.correct_clock(ledger, THURSDAY)
    assert ledger.days == {MONDAY: 8.0, "2026-11-25": 2.0}
    assert (ledger.day, ledger.today) == (THURSDAY, 1.0)


def test_a_clock_behind_the_day_that_was_counted_last_turns_nothing_back() -> None:
    """Power cut just after midnight; the clock that comes back is of the evening before."""
    ledger = after(108.5, day=TUESDAY, ledger=house.turn(after(100.0, 108.0), TUESDAY))
    late = after(109.0, day=MONDAY, ledger=house.doubt_clock(ledger))
    for now in (late, house.correct_clock(late, TUESDAY)):
        assert (now.day, now.today, now.days) == (TUESDAY, 1.0, {MONDAY: 8.0})


def test_a_new_box_that_began_by_a_late_clock_loses_nothing() -> None:
    ledger = after(100.0, 101.0, ledger=house.doubt_clock(house.Ledger()))
    ledger = house.correct_clock(ledger, THURSDAY)
    assert (ledger.day, ledger.today, ledger.days) == (THURSDAY, 1.0, {})


def test_a_step_on_the_same_day_moves_nothing() -> None:
    ledger = after(110.0, ledger=house.doubt_clock(after(100.0, 108.0)))
    assert house.correct_clock(ledger, MONDAY) == house.trust_clock(ledger)


def test_a_clock_that_was_ahead_gives_back_what_it_dated_ahead() -> None:
    ledger = house.turn(after(100.0, 108.0), "2038-01-19")
    ledger = after(109.0, day="2038-01-19", ledger=ledger)
    ledger = house.correct_clock(house.doubt_clock(ledger), TUESDAY)
    assert (ledger.day, ledger.today, ledger.days) == (TUESDAY, 1.0, {MONDAY: 8.0})


def test_it_survives_the_disk_and_another_release() -> None:
    ledger = house.doubt_clock(house.turn(after(100.0, 108.0, 0.0), TUESDAY))
    stored = json.loads(json.dumps(house.dump(ledger)))
    assert house.load({**stored, "of a newer release": 1}) == ledger
    assert house.load(None) == house.Ledger()
