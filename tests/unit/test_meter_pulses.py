"""The simulated meter's arithmetic: pulses are exact, and power is what pulses tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual.meter.profile import DAY_SECONDS, STANDBY_WATTS, household_watts
from tests.virtual.meter.pulses import Meter, advance, reading, running


@pytest.mark.parametrize(
    ("watts", "ms", "pulses"),
    [(1_000, 3_600_000, 1_000), (3_600, 1_000, 1), (3_600, 999, 0), (0, 3_600_000, 0)],
)
def test_a_pulse_is_a_watt_hour(watts: float, ms: float, pulses: int) -> None:
    assert advance(Meter(), watts, ms).pulses == pulses


@pytest.mark.parametrize("watts", [7.0, 90.0, 230.0, 2_100.0, 9_000.0, 100_000.0])
def test_constant_power_is_read_back_from_the_pulses(watts: float) -> None:
    # W = 3 600 000 / ms between pulses.
    meter = Meter()
    while meter.interval is None:
        meter = advance(meter, watts, 1_000)
    for _ in range(50):
        meter = advance(meter, watts, 1_000)
        assert reading(meter).watts == pytest.approx(watts, abs=0.1)


def test_energy_is_the_counter_by_a_thousand() -> None:
    meter = running(1_234_567, 0.0, 230.0)
    assert reading(meter).kwh == 1234.567
    assert reading(advance(meter, 3_600.0, 1_000)).kwh == 1234.568


@given(st.lists(st.tuples(st.floats(0, 20_000), st.floats(0, 5_000)), max_size=200))
def test_no_energy_is_lost_whatever_the_steps(steps: list[tuple[float, float]]) -> None:
    meter = Meter()
    for watts, ms in steps:
        before = meter
        meter = advance(meter, watts, ms)
        assert meter.pulses >= before.pulses
    wh = sum(watts * ms for watts, ms in steps) / 3_600_000
    assert meter.pulses + meter.remainder / 3_600_000 == pytest.approx(wh, abs=1e-6)


def test_a_load_that_is_switched_off_fades_away() -> None:
    meter = running(0, 0.0, 2_000.0)
    assert reading(meter).watts == 2_000.0
    minute = advance(meter, 0.0, 60_000)
    assert reading(minute).watts == 60.0, "one Wh a minute at most"
    assert reading(advance(minute, 0.0, 3_540_000)).watts == 1.0


def test_a_meter_that_never_pulsed_reads_nothing() -> None:
    assert reading(Meter()).watts == 0.0
    assert reading(running(5, 0.0, 0.0)).kwh == 0.005


def test_negative_power_is_refused() -> None:
    with pytest.raises(ValueError, match="can't count -1"):
        advance(Meter(), -1, 1)


def test_the_household_is_the_same_each_time_and_another_with_another_seed() -> None:
    seconds = range(0, 2 * DAY_SECONDS, 60)
    first = [household_watts(second) for second in seconds]
    assert first == [household_watts(second) for second in seconds]
    assert first != [household_watts(second, seed=2) for second in seconds]
    assert first[: len(first) // 2] != first[len(first) // 2 :], "no day is like another"


def test_the_household_draws_what_a_household_draws() -> None:
    watts = [household_watts(second) for second in range(0, 30 * DAY_SECONDS, 60)]
    assert min(watts) >= STANDBY_WATTS
    assert max(watts) < 15_000
    kwh_a_day = sum(watts) / 60 / 1_000 / 30
    assert 8 < kwh_a_day < 25
