"""A counter that was not heard: its energy stays exact, and is not shown as measured."""

from __future__ import annotations

import pytest
from hems.history.bridge import SECOND, Hour, Pause, is_counter, lines, mended, pauses

HOUR = 3600 * SECOND
BEGIN = 490_000 * HOUR


def heard(*rows: tuple[int, float | None]) -> list[tuple[int, float | None]]:
    return [(BEGIN + minute * 60 * SECOND, value) for minute, value in rows]


def seen(rows: list[tuple[int, float | None]], *away: tuple[int, int]) -> list[tuple[int, ...]]:
    spans = [(BEGIN + a * 60 * SECOND, BEGIN + b * 60 * SECOND) for a, b in away]
    return [
        ((one.begin - BEGIN) // (60 * SECOND), (one.end - BEGIN) // (60 * SECOND))
        for one in pauses(rows, spans)
    ]


@pytest.mark.parametrize(
    ("rows", "away", "expected"),
    [
        # Out of range: Home Assistant says unavailable some time after the last reading.
        ([(0, 1.0), (30, None), (60, 2.0)], [], [(0, 60)]),
        # Home Assistant was down.
        ([(0, 1.0), (60, 2.0)], [(10, 50)], [(0, 60)]),
        # It was neither: the house used nothing, or the meter is a slow one.
        ([(0, 1.0), (60, 2.0)], [], []),
        # Too short to matter, and without any consumption.
        ([(0, 1.0), (1, None), (4, 2.0)], [], []),
        ([(0, 1.0), (1, None), (60, 1.0), (90, 2.0)], [], []),
        # The old value is restored at the start, the true one follows soon.
        ([(0, 1.0), (51, 1.0), (52, 1.0), (55, 2.0), (60, 3.0)], [(1, 50)], [(0, 55)]),
        # Reset or exchanged: what it counted is not known.
        ([(0, 9.0), (30, None), (60, 2.0), (70, 3.0)], [], []),
        ([(0, 9.0), (30, None), (60, 2.0), (70, None), (90, 3.0)], [], [(60, 90)]),
        # A counter of a day: it goes back again and again.
        ([(0, 9.0), (1, 0.0), (5, 4.0), (6, 0.0), (7, None), (90, 3.0)], [], []),
        # Nothing was heard before.
        ([(0, None), (60, 2.0)], [], []),
    ],
)
def test_a_pause_is_one_in_which_it_counted_unheard(
    rows: list[tuple[int, float | None]],
    away: list[tuple[int, int]],
    expected: list[tuple[int, int]],
) -> None:
    assert seen(heard(*rows), *away) == expected


def test_the_points_are_even_marked_and_between_the_readings() -> None:
    pause = Pause(BEGIN + 60 * SECOND, 10.0, BEGIN + 1260 * SECOND, 14.0)
    tags = "kWh,bridged=yes,domain=sensor,entity_id=m value="
    assert list(lines("sensor.m", "kWh", pause)) == [
        f"{tags}10.8 {BEGIN + 300 * SECOND}",
        f"{tags}11.8 {BEGIN + 600 * SECOND}",
        f"{tags}12.8 {BEGIN + 900 * SECOND}",
        f"{tags}13.8 {BEGIN + 1200 * SECOND}",
    ]


def test_a_long_pause_has_no_more_points_than_it_needs() -> None:
    pause = Pause(BEGIN, 0.0, BEGIN + 365 * 24 * HOUR, 3000.0)
    assert 1000 < len(list(lines("sensor.m", "kWh", pause))) <= 2000


@pytest.mark.parametrize(
    ("attributes", "counts"),
    [
        ({"state_class": "total_increasing", "unit_of_measurement": "kWh"}, True),
        ({"state_class": "total", "unit_of_measurement": "kWh"}, True),
        ({"state_class": "total", "unit_of_measurement": "kWh", "last_reset": "2026"}, False),
        ({"state_class": "measurement", "unit_of_measurement": "kWh"}, False),
        ({"state_class": "total_increasing"}, False),
    ],
)
def test_only_what_counts_without_end_is_bridged(attributes: dict[str, str], counts: bool) -> None:
    assert is_counter(attributes) is counts


def test_the_hours_of_a_pause_share_its_energy_and_the_sums_go_on() -> None:
    # Hours 0 and 1 are whole, the counter is lost half-way in hour 2 and heard half-way in hour 5.
    known = [
        Hour(BEGIN, 101.0, 1.0),
        Hour(BEGIN + HOUR, 102.0, 2.0),
        Hour(BEGIN + 2 * HOUR, 102.5, 2.5),  # Home Assistant's own: the last it had heard
        Hour(BEGIN + 5 * HOUR, 109.0, 9.0),
    ]
    pause = Pause(BEGIN + 5 * HOUR // 2, 102.5, BEGIN + 11 * HOUR // 2, 108.5)
    found = mended(known, pause)
    assert [(hour.start - BEGIN) // HOUR for hour in found] == [2, 3, 4]
    assert [hour.sum for hour in found] == pytest.approx([3.5, 5.5, 7.5])
    assert [hour.state for hour in found] == pytest.approx([103.5, 105.5, 107.5])
    # Once more, on what was mended: the same.
    assert mended([*known[:2], *found, known[-1]], pause) == found


@pytest.mark.parametrize(
    "known",
    [
        [],
        [Hour(BEGIN + HOUR, 102.0, 2.0)],  # no hour before
        [Hour(BEGIN - HOUR, 500.0, 1.0)],  # reset since
        [Hour(BEGIN - HOUR, 100.0, 1.0), Hour(BEGIN + 3 * HOUR, 108.0, 2.0)],  # sums corrected
    ],
)
def test_statistics_that_do_not_fit_are_left_alone(known: list[Hour]) -> None:
    assert mended(known, Pause(BEGIN + 60, 102.0, BEGIN + 3 * HOUR, 108.0)) == []
