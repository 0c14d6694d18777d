"""Entity ids that don't depend on the owner's language (pure).

Home Assistant makes an entity's id of its translated name when it first meets it: with German,
``sensor.frient_a_s_emizb_141_summe_verbraucht``. Ours are made of what no language touches: the
integration's translation key, else its device class, else the end of its unique id
(``<IEEE address>-<endpoint>[-<cluster>][-<what>]`` in ZHA).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

# What a meter's power and energy are called, the best first; {} without one of these keys.
POWER_KEYS = ("instantaneous_demand", "total_active_power", "power")
ENERGY_KEYS = ("summation_delivered",)
TOTALS = ("total", "total_increasing")
SECONDARY = re.compile(r"tier\d|received")  # of a tariff, or fed into the grid
NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


class Entity(NamedTuple):
    """An entity as Home Assistant's registry has it."""

    id: str
    unique_id: str
    translation_key: str | None = None
    device_class: str | None = None  # the integration's own, not the owner's
    state_class: str | None = None
    enabled: bool = True

    @property
    def domain(self) -> str:
        """The part before the dot."""
        return self.id.partition(".")[0]


class Measures(NamedTuple):
    """A device's main sensors."""

    power: Entity | None  # W
    energy: Entity | None  # in total; kWh


def slug(text: str) -> str:
    """Return text as a part of an entity id.

    >>> slug("frient A/S EMIZB-141")
    'frient_a_s_emizb_141'
    """
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def key(entity: Entity) -> str:
    """Return what the entity is, in English and the same for every owner.

    >>> key(Entity("sensor.x_spannung", "60:b6:47:ff:fe:8d:c2:0c-1-2820-rms_voltage"))
    'rms_voltage'
    """
    last = entity.unique_id.rpartition("-")[2]
    from_id = "" if last.isdigit() or ":" in last else last
    return slug(entity.translation_key or entity.device_class or from_id or entity.domain)


def fixed_ids(
    entities: Iterable[Entity], name: str, given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the id that each entity is to have, by the one it has now.

    ``<domain>.<name>_<key>``; ``given`` fixes some, by unique id. Where two of a device have the
    same key, the second one's has endpoint and cluster behind it.
    """
    given = given or {}
    wanted = {}
    taken = set(given.values())
    for entity in sorted(entities, key=lambda entity: _natural(entity.unique_id)):
        if entity.unique_id in given:
            wanted[entity.id] = given[entity.unique_id]
            continue
        new = f"{entity.domain}.{name}_{key(entity)}"
        if new in taken:
            rest = entity.unique_id.rpartition(":")[2].partition("-")[2]
            new = f"{new}_{slug(rest)}"
        taken.add(new)
        wanted[entity.id] = new
    return wanted


def renames(wanted: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the renamings (from, to) that lead there, none of them onto an id still in use."""
    left = {old: new for old, new in wanted.items() if old != new}
    while left:
        free = [old for old, new in left.items() if new not in left]
        if free:
            yield free[0], left.pop(free[0])
        else:  # a ring: one has to step aside
            old = next(iter(left))
            aside = f"{old}_aside"
            yield old, aside
            left = {aside if was == old else was: new for was, new in left.items()}


def measures(entities: Sequence[Entity]) -> Measures:
    """Return a device's main power and energy sensor, where it has them."""
    sensors = [entity for entity in entities if entity.domain == "sensor" and entity.enabled]
    power = [entity for entity in sensors if entity.device_class == "power"]
    energy = [
        entity
        for entity in sensors
        if entity.device_class == "energy"
        and entity.state_class in TOTALS
        and not SECONDARY.search(key(entity))
    ]
    return Measures(_best(power, POWER_KEYS), _best(energy, ENERGY_KEYS))


def known_as(entities: Sequence[Entity], default_name: str) -> str | None:
    """Return the name that these entities' ids were made of, None when it is not one of ours.

    ``default_name`` is the device's own, which Home Assistant makes ids of.
    """
    names: Counter[str] = Counter()
    for entity in entities:
        whole, end = entity.id.partition(".")[2], f"_{key(entity)}"
        if whole.endswith(end):
            names[whole.removesuffix(end)] += 1
    if not names:
        return None
    name, count = names.most_common(1)[0]
    return name if 2 * count > len(entities) and name != slug(default_name) else None


def title(name: str) -> str:
    """Return a name for people.

    >>> title("heat_pump")
    'Heat pump'
    """
    return name.replace("_", " ").strip().capitalize()


def _best(entities: Sequence[Entity], keys: Sequence[str]) -> Entity | None:
    ranked = sorted(
        entities,
        key=lambda entity: (
            keys.index(key(entity)) if key(entity) in keys else len(keys),
            _natural(entity.unique_id),
        ),
    )
    return ranked[0] if ranked else None


def _natural(text: str) -> list[tuple[int, str]]:
    """Sort endpoint 2 before endpoint 11."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in text.split("-")]
