"""What a household draws, in W, over a day. Pure and deterministic: one seed, one household."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

DAY_SECONDS = 86_400
STANDBY_WATTS = 90.0  # router, clocks, chargers
FRIDGE_WATTS = 110.0
FRIDGE_PERIOD_SECONDS = 2_700.0  # the compressor runs for a third of it
HEAT_PUMP_PEAK_WATTS = 700.0  # in the coldest hour, averaged over its cycles


@dataclass(frozen=True)
class Appliance:
    """Something that a person switches on: when it may start, how long, how strong, how often."""

    hours: tuple[float, float]
    minutes: tuple[float, float]
    watts: tuple[float, float]
    times: tuple[int, int]  # a day


@dataclass(frozen=True)
class Use:
    """One run of an appliance, in seconds of the day."""

    start: float
    end: float
    watts: float


HOUSEHOLD = (
    Appliance((6.5, 8.5), (2.0, 4.0), (1_900.0, 2_400.0), (1, 3)),  # kettle, mornings
    Appliance((6.5, 8.5), (5.0, 12.0), (7_000.0, 8_500.0), (0, 2)),  # electric shower
    Appliance((9.0, 15.0), (45.0, 100.0), (350.0, 600.0), (0, 1)),  # washing machine
    Appliance((12.0, 14.0), (5.0, 15.0), (800.0, 1_400.0), (0, 2)),  # lunch
    Appliance((17.0, 19.5), (25.0, 60.0), (1_500.0, 3_000.0), (1, 2)),  # cooker
    Appliance((17.0, 23.0), (180.0, 300.0), (120.0, 260.0), (1, 2)),  # lights and television
    Appliance((20.0, 22.5), (2.0, 4.0), (1_900.0, 2_400.0), (0, 2)),  # kettle, evenings
)


@lru_cache(maxsize=4)
def uses(seed: int, day: int) -> tuple[Use, ...]:
    """Return every run of every appliance on one day (days count from any fixed day)."""
    dice = random.Random(f"{seed}/{day}")
    found = []
    for appliance in HOUSEHOLD:
        for _ in range(dice.randint(*appliance.times)):
            start = dice.uniform(*appliance.hours) * 3_600
            length = dice.uniform(*appliance.minutes) * 60
            found.append(
                Use(start, min(start + length, DAY_SECONDS), dice.uniform(*appliance.watts))
            )
    return tuple(found)


def household_watts(seconds: float, seed: int = 1) -> float:
    """Return the power in W at ``seconds`` since the midnight of day 0; never below standby."""
    day, second = divmod(seconds, DAY_SECONDS)
    fridge = FRIDGE_WATTS if second % FRIDGE_PERIOD_SECONDS < FRIDGE_PERIOD_SECONDS / 3 else 0.0
    # Coldest at five in the morning.
    heat = HEAT_PUMP_PEAK_WATTS * (0.5 + 0.5 * math.cos(2 * math.pi * (second / 3_600 - 5) / 24))
    switched_on = sum(use.watts for use in uses(seed, int(day)) if use.start <= second < use.end)
    return STANDBY_WATTS + fridge + heat + switched_on
