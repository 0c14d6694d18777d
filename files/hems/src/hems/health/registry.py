"""Home Assistant's entity registry: what became of an entity that is not there. Pure.

An entity's id may be changed by anybody in the user interface; its platform and unique id may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Key(NamedTuple):
    """What stays the same of an entity whatever it is called."""

    platform: str  # the integration that made it
    unique_id: str


# Those that the box itself makes.
OURS: Mapping[str, Key] = {
    "sensor.hems_power": Key("hems", "hems_power"),
    "sensor.hems_energy": Key("hems", "hems_energy"),
    "sensor.hems_energy_today": Key("hems", "hems_energy_today"),
}


@dataclass(frozen=True)
class Lost:
    """An entity that is not there under its id."""

    entity: str
    now: str = ""  # the id that it has instead
    disabled: bool = False  # switched off by a person

    def __str__(self) -> str:
        if self.now:
            return f"{self.entity} is now called {self.now}: give it its old id back"
        if self.disabled:
            return f"{self.entity} is switched off: switch it on"
        return f"there is no {self.entity}"


def keys(registered: Iterable[Mapping[str, Any]], wanted: Iterable[str]) -> dict[str, Key]:
    """Return the lasting keys of the entities with these ids."""
    names = set(wanted)
    return {
        str(one["entity_id"]): Key(str(one["platform"]), str(one["unique_id"]))
        for one in registered
        if one["entity_id"] in names
    }


def explain(
    missing: Iterable[str], registered: Iterable[Mapping[str, Any]], known: Mapping[str, Key]
) -> tuple[Lost, ...]:
    """Return what became of entities that have no state; ``known``: what was learnt of them."""
    listed = list(registered)
    by_key = {(one["platform"], one["unique_id"]): str(one["entity_id"]) for one in listed}
    off = {str(one["entity_id"]) for one in listed if one.get("disabled_by")}
    found = []
    for entity in missing:
        key = known.get(entity)
        now = by_key.get(key, "") if key else ""
        found.append(Lost(entity, now if now != entity else "", entity in off))
    return tuple(found)
