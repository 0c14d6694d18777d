"""A Linky's energy goes up only, whatever its reader delivers."""

from __future__ import annotations

from typing import Any

import pytest
from hems.linky.labels import Mode
from hems.linky.meter import CLOCK_SECONDS, CONFIRMATIONS, Contradiction, Reading, State, take
from hypothesis import given
from hypothesis import strategies as st

MINUTE = 60.0
FIRST = {"BASE": 1_000_000, "PAPP": 500}


def read(values: dict[str, Any], **other: Any) -> Reading:
    how = {"meter": "a", "mode": Mode.HISTORIQUE, "elapsed": MINUTE, **other}
    return Reading(values=values, **how)


def taken(
    *readings: Reading, state: State | None = None, confirm: float = 0.0
) -> tuple[State, list[Any]]:
    state = state or State()
    published = []
    for reading in readings:
        state, values = take(state, reading, confirm)
        published.append(values)
    return state, published


def test_the_first_reading_is_the_meters_own() -> None:
    _, (values,) = taken(read(FIRST))
    assert values == {"base": 1000.0, "papp": 500, "energy": 1000.0, "power": 500, "tariff": None}


def test_the_total_is_the_sum_of_the_tariffs() -> None:
    hours = {"HCHC": 2_000, "HCHP": 3_000, "PTEC": "HP.."}
    _, (first, second) = taken(read(hours), read({**hours, "HCHP": 3_100}))
    assert first["energy"] == 5.0
    assert (second["hchp"], second["energy"], second["tariff"]) == (3.1, 5.1, "HP..")


def test_a_tariff_that_a_frame_lacks_is_counted_when_it_comes() -> None:
    hours = {"HCHC": 2_000, "HCHP": 3_000}
    later = {"HCHC": 2_010, "HCHP": 3_100}
    _, values = taken(read(hours), read({"HCHC": 2_010}), read(later))
    assert [one["energy"] for one in values] == [5.0, 5.01, 5.11]


def test_a_contract_that_is_changed_counts_nothing_twice() -> None:
    base = read({"BASE": 5_000})
    hours = read({"HCHC": 2_000, "HCHP": 3_000})
    more = read({"HCHC": 2_050, "HCHP": 3_000})
    _, values = taken(base, hours, more)
    assert [one["energy"] for one in values] == [5.0, 5.0, 5.05]


def test_standard_mode_has_its_own_total_and_production() -> None:
    values = {"EAST": 9_000, "EASF01": 9_000, "EAIT": 1_500, "SINSTS": 700, "LTARF": "BASE"}
    _, (found,) = taken(read(values, mode=Mode.STANDARD))
    assert (found["energy"], found["energy_produced"], found["power"]) == (9.0, 1.5, 700)
    assert found["easf01"] == 9.0


def test_power_comes_from_the_index_where_a_frame_has_none() -> None:
    _, values = taken(read({"BASE": 1_000}), read({"BASE": 1_025}))
    assert [one["power"] for one in values] == [None, 1_500]


def test_an_empty_value_is_none_and_never_zero() -> None:
    state, values = taken(
        read(FIRST), read({"BASE": None, "PAPP": None}), read({"BASE": 1_000_010})
    )
    assert (values[1]["base"], values[1]["energy"], values[1]["power"]) == (None, None, None)
    assert values[2]["energy"] == 1000.01
    assert state.dropped == {}


@pytest.mark.parametrize(
    ("odd", "contradiction"),
    [
        (read({"BASE": 999_999}), Contradiction.BACKWARD),
        (read({"BASE": 0}), Contradiction.BACKWARD),
        (read({"BASE": 9_000_000}), Contradiction.JUMP),
        (read(FIRST, meter="b"), Contradiction.METER),
        (read({"EAST": 1_000_000}, mode=Mode.STANDARD), Contradiction.MODE),
        (read(FIRST, clock=-CLOCK_SECONDS - 1), Contradiction.CLOCK),
    ],
)
def test_a_lone_contradiction_is_dropped_and_counted(
    odd: Reading, contradiction: Contradiction
) -> None:
    state, values = taken(read(FIRST, clock=0), odd, read({"BASE": 1_000_020}, clock=60))
    assert values[1] is None
    assert values[2]["energy"] == 1000.02
    assert state.dropped == {contradiction.name.lower(): 1}
    assert state.doubt is None


def test_a_meter_that_was_exchanged_goes_on_where_the_old_one_was() -> None:
    new = [read({"BASE": 3 + number}, meter="b") for number in range(CONFIRMATIONS)]
    state, values = taken(read(FIRST), *new)
    assert values[1:-1] == [None] * (CONFIRMATIONS - 1)
    # What the new meter has counted since it was first heard is the house's.
    assert values[-1]["energy"] == pytest.approx(1000.0 + (CONFIRMATIONS - 1) / 1000)
    assert values[-1]["base"] == values[-1]["energy"]
    assert state.changed == Contradiction.METER.value
    assert state.dropped == {}


def test_old_frames_sent_again_in_a_burst_are_no_exchanged_meter() -> None:
    burst = [read({"BASE": 900_000 + n}, at=10.0 + n) for n in range(50)]
    after = read({"BASE": 1_000_020}, at=60.0)
    state, values = taken(read(FIRST), *burst, after, confirm=100.0)
    assert values[1:-1] == [None] * 50
    assert values[-1]["energy"] == 1000.02
    assert state.dropped == {"backward": 50}


def test_an_exchanged_meter_is_taken_when_it_was_heard_for_long_enough() -> None:
    new = [read({"BASE": 3 + n}, meter="b", at=60.0 * n) for n in range(1, 4)]
    _, values = taken(read(FIRST), *new[:2], confirm=100.0)
    assert values[-1] is None
    state, values = taken(read(FIRST), *new, confirm=100.0)
    assert (values[-1]["energy"], state.meter) == (1000.002, "b")


def test_the_grid_may_set_a_meters_clock_right() -> None:
    _, values = taken(read(FIRST, clock=1000), read(FIRST, clock=1000 - CLOCK_SECONDS), read(FIRST))
    assert None not in values


def test_switching_the_mode_and_back_counts_nothing_twice() -> None:
    standard = [read({"EAST": 7 + n, "SINSTS": 10}, mode=Mode.STANDARD) for n in range(3)]
    back = [read({"BASE": 1_000_500 + n}) for n in range(3)]
    _, values = taken(read(FIRST), *standard, *back)
    assert values[3]["energy"] == pytest.approx(1000.002)
    assert values[-1]["energy"] == pytest.approx(1000.004)


def test_after_a_long_silence_a_large_step_is_consumption() -> None:
    _, values = taken(read(FIRST), read({"BASE": 1_050_000}, elapsed=86_400.0))
    assert values[1]["energy"] == 1050.0
    _, values = taken(read(FIRST), read({"BASE": 1_050_000}, elapsed=None))
    assert values[1]["energy"] == 1050.0


INDEXES = st.integers(min_value=0, max_value=10**9)
READINGS = st.builds(
    read,
    st.fixed_dictionaries({}, optional={"BASE": INDEXES, "HCHC": INDEXES, "PAPP": INDEXES}),
    meter=st.sampled_from("ab"),
    mode=st.sampled_from(Mode),
    elapsed=st.none() | st.floats(min_value=0, max_value=1e6),
)


@given(st.lists(READINGS, max_size=30))
def test_whatever_is_delivered_published_energy_never_goes_down(readings: list[Reading]) -> None:
    _, published = taken(*readings)
    for name in ("energy", "base", "hchc"):
        found = [one[name] for one in published if one and one.get(name) is not None]
        assert found == sorted(found)


@given(st.lists(st.integers(min_value=0, max_value=4_000), min_size=1, max_size=50), st.data())
def test_energy_is_exact_over_lone_errors(steps: list[int], data: st.DataObject) -> None:
    state, index = State(), 1_000_000
    state, _ = take(state, read({"BASE": index}))
    values: Any = None
    for step in steps:
        index += step
        if data.draw(st.booleans()):  # one wrong report before the right one
            wrong = data.draw(st.integers(min_value=0, max_value=index - 4_001))
            state, nothing = take(state, read({"BASE": wrong}))
            assert nothing is None
        state, values = take(state, read({"BASE": index}))
        assert values["energy"] == pytest.approx(index / 1000)
