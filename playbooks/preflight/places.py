# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Tell whether coordinates lie in their country, by the time zone database.

Its zone.tab (tzdata) gives every country the position of a town for each of its time zones.
"""

from __future__ import annotations

import importlib.resources
import math
import re
from collections.abc import Mapping
from functools import cache

EARTH_RADIUS = 6371.0  # km
FAR = 1000.0  # km from every such town: far enough to ask whether the two are swapped
ELSEWHERE = 3000.0  # km: no country reaches so far beyond them

POSITION = re.compile(r"([+-])(\d{2,3})(\d{2})(\d{2})?(?=[+-]|$)")

Position = tuple[float, float]  # degrees north, degrees east


def position(text: str) -> Position:
    """Parse ISO 6709 as zone.tab has it: ±DDMM±DDDMM or ±DDMMSS±DDDMMSS."""
    north, east = (
        (1 if sign == "+" else -1) * (int(degrees) + int(minutes) / 60 + int(seconds or 0) / 3600)
        for sign, degrees, minutes, seconds in POSITION.findall(text)
    )
    return north, east


@cache
def towns() -> Mapping[str, tuple[Position, ...]]:
    """Return the positions by country code."""
    table: dict[str, tuple[Position, ...]] = {}
    text = (importlib.resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            code, where = line.split("\t")[:2]
            table[code] = (*table.get(code, ()), position(where))
    return table


def kilometres(one: Position, other: Position) -> float:
    """Return the distance on a sphere (haversine)."""
    (north1, east1), (north2, east2) = (tuple(map(math.radians, point)) for point in (one, other))
    half = (
        math.sin((north2 - north1) / 2) ** 2
        + math.cos(north1) * math.cos(north2) * math.sin((east2 - east1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(half))


def place_problem(country: str, latitude: float, longitude: float) -> str | None:
    """Return what is wrong with a site's position, or None."""
    known = towns().get(country)
    if not known:
        return None
    away = min(kilometres((latitude, longitude), town) for town in known)
    if away <= FAR:
        return None
    if abs(longitude) <= 90:
        swapped = min(kilometres((longitude, latitude), town) for town in known)
        if swapped <= FAR and swapped < away / 2:  # Van, seen from Istanbul, is not swapped
            return (
                f"hems_latitude and hems_longitude are swapped: as they stand, the site is "
                f"{away:.0f} km from the next town of {country} that the time zone database knows."
            )
    if away > ELSEWHERE:
        return (
            f"hems_latitude and hems_longitude are not in hems_country: the site is {away:.0f} km "
            f"from the next town of {country} that the time zone database knows."
        )
    return None
