"""When an attribute is reported. Pure: values and time in s go in.

Source: Zigbee Cluster Library specification 07-5123, sections 2.5.7 and 2.5.11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.virtual.zigbee.zcl.types import Value

NEVER = 0xFFFF  # as longest interval: don't report at all


@dataclass(frozen=True)
class Setting:
    """What a host has asked for; intervals in s, ``change`` None for a type without measure."""

    type: int
    shortest: int
    longest: int
    change: int | None


@dataclass
class Reporting:
    """One attribute's reports: the setting, and what was told last."""

    setting: Setting
    value: Value
    at: float

    def due(self, value: Value, now: float) -> bool:
        """Whether a report goes out now.

        A change is told once the shortest interval is over, an unchanged value after the longest.
        """
        since = now - self.at
        if self.setting.longest == NEVER or since < self.setting.shortest:
            return False
        if self.setting.longest and since >= self.setting.longest:
            return True
        if isinstance(value, int) and isinstance(self.value, int) and self.setting.change:
            return abs(value - self.value) >= self.setting.change
        return value != self.value

    def hurry(self) -> None:
        """Let the longest interval be over."""
        self.at = -math.inf

    def told(self, value: Value, now: float) -> None:
        """Remember a report that has gone out."""
        self.value = value
        self.at = now
