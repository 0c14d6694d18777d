# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Decide what Home Assistant still needs from us: dashboard and Energy preferences (pure).

What we gave is remembered in Home Assistant itself (frontend system data, key ``hems``), so it
travels with its backups. Like a package's configuration file, ours is renewed as long as nobody
changed it, and left alone from an owner's first edit on; what an owner removed stays removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Command = tuple[str, Json]

URL_PATH = "home-energy"
MEMORY = "hems"


@dataclass(frozen=True)
class Wanted:
    """What the site asks for: entity ids (W, kWh in total, kWh today, V, A), the owner's words."""

    power: str
    energy: str
    energy_today: str
    voltage: str
    current: str
    words: Mapping[str, str]


@dataclass(frozen=True)
class Present:
    """What Home Assistant has now; None where it has nothing."""

    dashboards: list[Json]
    dashboard: Json | None
    energy: Json | None
    memory: Json = field(default_factory=dict)
    core: Json = field(default_factory=dict)


def where_measured(entity: str, name: str) -> Json:
    """Return a tile that shows itself only in a house where something measures this."""
    known = {"condition": "state", "entity": entity, "state_not": ["unavailable", "unknown"]}
    return {"type": "tile", "entity": entity, "name": name, "visibility": [known]}


def dashboard(wanted: Wanted) -> Json:
    """Return the first dashboard: now, today, the live curve and the last week."""
    words = wanted.words
    return {
        "views": [
            {
                "title": words["title"],
                "path": "now",
                "type": "sections",
                "max_columns": 2,
                "sections": [
                    {
                        "type": "grid",
                        "cards": [
                            {"type": "heading", "heading": words["now"], "icon": "mdi:flash"},
                            {"type": "tile", "entity": wanted.power, "name": words["power"]},
                            {"type": "tile", "entity": wanted.energy_today, "name": words["today"]},
                            where_measured(wanted.voltage, words["voltage"]),
                            where_measured(wanted.current, words["current"]),
                            {
                                "type": "history-graph",
                                "title": words["curve"],
                                "hours_to_show": 3,
                                "grid_options": {"columns": "full"},
                                "entities": [{"entity": wanted.power, "name": words["power"]}],
                            },
                        ],
                    },
                    {
                        "type": "grid",
                        "cards": [
                            {"type": "heading", "heading": words["week"], "icon": "mdi:chart-bar"},
                            {
                                "type": "statistics-graph",
                                "chart_type": "bar",
                                "period": "day",
                                "days_to_show": 7,
                                "stat_types": ["change"],
                                "grid_options": {"columns": "full"},
                                "entities": [{"entity": wanted.energy, "name": words["energy"]}],
                            },
                        ],
                    },
                ],
            }
        ]
    }


def digest(document: Json) -> str:
    """Return a document's hash, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def grid(wanted: Wanted) -> Json:
    """Return the house as Energy's grid source: kWh taken, and W for the live view."""
    return {
        "type": "grid",
        "stat_energy_from": wanted.energy,
        "stat_energy_to": None,
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": None,
        "stat_compensation": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": None,
        "stat_rate": wanted.power,
        "cost_adjustment_day": 0,
    }


def merged_sources(present: Present, wanted: Wanted) -> list[Json] | None:
    """Return Energy's sources with ours in them, or None when they are to stay as they are."""
    sources: list[Json] = list((present.energy or {}).get("energy_sources", []))
    given = present.memory.get("grid")
    grids = [index for index, source in enumerate(sources) if source["type"] == "grid"]
    if not grids:
        return None if given else [*sources, grid(wanted)]
    for index in grids:
        source = sources[index]
        ours = given == {"energy": source.get("stat_energy_from"), "power": source.get("stat_rate")}
        if ours and given != {"energy": wanted.energy, "power": wanted.power}:
            # It was given other entities before. Prices that the owner added stay.
            new = {**source, "stat_energy_from": wanted.energy, "stat_rate": wanted.power}
            return [*sources[:index], new, *sources[index + 1 :]]
    return None


def plan(present: Present, wanted: Wanted, *, restore: bool = False) -> list[Command]:
    """Return the WebSocket commands that are missing, in order; none on a settled box.

    ``restore``: give our dashboard again, whatever an owner made of it.
    """
    commands: list[Command] = []
    memory = dict(present.memory)
    config = dashboard(wanted)
    listed = any(item["url_path"] == URL_PATH for item in present.dashboards)
    given = memory.get("dashboard")
    untouched = present.dashboard is not None and digest(present.dashboard) == given
    if not listed and (restore or given is None):
        if "default_panel" not in present.core:
            core = {**present.core, "default_panel": URL_PATH}
            commands.append(("frontend/set_system_data", {"key": "core", "value": core}))
        item = {
            "url_path": URL_PATH,
            "title": wanted.words["title"],
            "icon": "mdi:home-lightning-bolt",
        }
        commands.append(
            (
                "lovelace/dashboards/create",
                {**item, "require_admin": False, "show_in_sidebar": True},
            )
        )
    if present.dashboard is None:
        save = restore or given is None
    else:
        save = present.dashboard != config and (restore or untouched)
    if save:
        commands.append(("lovelace/config/save", {"url_path": URL_PATH, "config": config}))
    if save or present.dashboard == config:
        memory["dashboard"] = digest(config)
    sources = merged_sources(present, wanted)
    if sources is not None:
        commands.append(("energy/save_prefs", {"energy_sources": sources}))
        memory["grid"] = {"energy": wanted.energy, "power": wanted.power}
    if memory != present.memory:
        commands.append(("frontend/set_system_data", {"key": MEMORY, "value": memory}))
    return commands
