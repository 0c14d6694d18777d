"""Coordinates are judged by the time zone database's towns."""

from __future__ import annotations

import pytest

from playbooks.preflight.codes import countries
from playbooks.preflight.places import kilometres, place_problem, position, towns


def test_both_notations_of_the_table_are_read() -> None:
    assert position("+5320-00615") == pytest.approx((53 + 20 / 60, -6.25))
    assert position("-690022+0393524") == pytest.approx((-69.00611, 39.59))


def test_the_distance_from_dublin_to_berlin_is_right() -> None:
    assert kilometres((53.333, -6.25), (52.5, 13.367)) == pytest.approx(1316, rel=0.01)


def test_nearly_every_country_has_a_town() -> None:
    without = set(countries()) - set(towns())
    assert without == {"BV", "HM"}  # nobody lives there


@pytest.mark.parametrize(
    ("country", "latitude", "longitude"),
    [
        ("IE", 51.9, -8.5),
        ("TR", 38.5, 43.3),  # Van: 1200 km from Istanbul
        ("ES", 28.1, -15.4),  # Canary Islands
        ("US", 21.3, -157.8),  # Hawaii
        ("DZ", 19.6, 5.8),  # the far south
        ("IN", 8.1, 77.5),
        ("NO", 70.7, 23.7),  # Hammerfest
        ("BV", 0.0, 0.0),
    ],
)
def test_a_place_in_its_country_passes(country: str, latitude: float, longitude: float) -> None:
    assert place_problem(country, latitude, longitude) is None


@pytest.mark.parametrize(
    ("country", "latitude", "longitude"),
    [("IE", -8.5, 51.9), ("DE", 13.4, 52.5), ("US", -74.0, 40.7), ("AU", 151.2, -33.9)],
)
def test_swapped_coordinates_are_named(country: str, latitude: float, longitude: float) -> None:
    assert "swapped" in (place_problem(country, latitude, longitude) or "")
