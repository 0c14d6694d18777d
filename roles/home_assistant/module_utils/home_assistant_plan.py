# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Decide what Home Assistant still needs from us: dashboard, Energy, a tidy sidebar (pure).

What we gave is remembered in Home Assistant itself (frontend system data, key ``hems``), so it
travels with its backups. Like a package's configuration file, ours is renewed as long as nobody
changed it, and left alone from an owner's first edit on; what an owner removed stays removed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from ansible.module_utils.home_assistant_dashboard import Json, Shown, dashboard

Command = tuple[str, Json]

URL_PATH = "home-energy"
MEMORY = "hems"
# What Home Assistant puts into everyone's sidebar, and a house's energy has no use for.
HIDDEN = ("map", "media-browser")


@dataclass(frozen=True)
class Present:
    """What Home Assistant has now; None where it has nothing."""

    dashboards: list[Json]
    dashboard: Json | None
    energy: Json | None
    memory: Json = field(default_factory=dict)
    core: Json = field(default_factory=dict)
    panels: frozenset[str] = frozenset()


def digest(document: Json) -> str:
    """Return a document's hash, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def grid(wanted: Shown) -> Json:
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


def merged_sources(present: Present, wanted: Shown) -> list[Json] | None:
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


def plan(present: Present, wanted: Shown, *, restore: bool = False) -> list[Command]:
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
    once = memory.get("hidden", [])
    hide = [panel for panel in HIDDEN if panel in present.panels and panel not in once]
    commands += [
        ("frontend/update_panel", {"url_path": panel, "show_in_sidebar": False}) for panel in hide
    ]
    if hide:
        memory["hidden"] = [*once, *hide]
    if memory != present.memory:
        commands.append(("frontend/set_system_data", {"key": MEMORY, "value": memory}))
    return commands
