# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The first dashboard: now, the last seven days, the box and its meter (pure).

Every number of a quantity comes from one source: today's tile and today's row of the week are the
same counter's, so that they agree to the watt-hour at any minute. Home Assistant's own statistics,
and the cards that show them, are up to an hour behind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

WEEK, METER = "sensor.hems_energy_week", "sensor.hems_meter"
LAST_READING, DROPPED = "sensor.hems_last_reading", "sensor.hems_readings_dropped"
HEALTH = "sensor.hems_health"
GONE = ["unavailable", "unknown"]
FULL = {"columns": "full"}
SEVERITIES = ("ok", "notice", "warning", "critical")

WEEK_TABLE = """\
{% set names = NAMES %}
{% set days = state_attr('WEEK', 'days') or [] %}
{% set most = ([0] + days | map(attribute='kwh') | select('number') | list) | max %}

| | kWh | |
|:--|--:|:--|
{% for one in days %}| \
{{ names[strptime(one.day, '%Y-%m-%d').weekday()] }} | \
{{ ('%.3f' % one.kwh) | replace('.', DECIMAL) if one.kwh is number else '-' }} | \
{{ '█' * (one.kwh / most * 16) | round | int if one.kwh is number and most > 0 }} |
{% endfor %}"""

BOX = """\
**{{ WORDS.get(states('HEALTH'), UNHEARD) }}**
{% for one in state_attr('HEALTH', 'issues') or [] %}
- {{ one.title }}{{ ' (' ~ one.detail ~ ')' if one.detail }}: {{ one.cure }}
{% endfor %}"""


@dataclass(frozen=True)
class Shown:
    """What the site shows: its name, entity ids (W, kWh, kWh today, V, A, %), the owner's words."""

    site: str
    power: str
    energy: str
    energy_today: str
    voltage: str
    current: str
    battery: str
    words: Mapping[str, Any]


def state_is(entity: str, *states: str) -> list[Json]:
    """Return a card's condition: the entity has one of these states."""
    return [{"condition": "state", "entity": entity, "state": list(states)}]


def state_is_not(entity: str, *states: str) -> list[Json]:
    """Return a card's condition: the entity has none of these states; a missing one is unknown."""
    return [{"condition": "state", "entity": entity, "state_not": list(states)}]


def where_measured(entity: str, name: str) -> Json:
    """Return a tile that shows itself only in a house where something measures this."""
    visibility = state_is_not(entity, *GONE)
    return {"type": "tile", "entity": entity, "name": name, "visibility": visibility}


def next_step(words: Mapping[str, Any]) -> list[Json]:
    """Return what stands there instead of numbers while there are none, and what to do."""
    pairing = f"{words['missing_text']}\n\n```\nsudo hems zigbee pair\n```\n{words['missing_help']}"
    return [
        {
            "type": "markdown",
            "title": words[state],
            "content": text,
            "grid_options": FULL,
            "visibility": state_is(METER, state),
        }
        for state, text in (("missing", pairing), ("waiting", words["waiting_text"]))
    ]


def now(shown: Shown) -> Json:
    """Return the first section: the site's name, what comes next, power and today."""
    words = shown.words
    known = state_is_not(METER, "missing", *GONE)
    tiles = [(shown.power, words["power"]), (shown.energy_today, words["today"])]
    return {
        "type": "grid",
        "cards": [
            {"type": "heading", "heading": shown.site, "icon": "mdi:home-lightning-bolt"},
            *next_step(words),
            *(
                {"type": "tile", "entity": entity, "name": name, "visibility": known}
                for entity, name in tiles
            ),
            where_measured(shown.voltage, words["voltage"]),
            where_measured(shown.current, words["current"]),
            {
                "type": "history-graph",
                "title": words["curve"],
                "hours_to_show": 3,
                "grid_options": FULL,
                "entities": [{"entity": shown.power, "name": words["power"]}],
                "visibility": known,
            },
        ],
    }


def last_days(words: Mapping[str, Any]) -> Json:
    """Return the section of the last seven days; it is not there before the first reading."""
    known = state_is_not(WEEK, *GONE)
    table = WEEK_TABLE.replace("NAMES", json.dumps(words["days"], ensure_ascii=False))
    table = table.replace("WEEK", WEEK).replace("DECIMAL", json.dumps(words["decimal"]))
    heading = {"type": "heading", "heading": words["week"], "icon": "mdi:chart-bar"}
    return {
        "type": "grid",
        "cards": [
            {**heading, "visibility": known},
            {"type": "markdown", "content": table, "grid_options": FULL, "visibility": known},
        ],
    }


def box(shown: Shown) -> Json:
    """Return the section of the box: its health, its last reading, its reader's battery."""
    words = shown.words
    spoken = {severity: words[severity] for severity in SEVERITIES}
    health = BOX.replace("WORDS", json.dumps(spoken, ensure_ascii=False))
    health = health.replace("UNHEARD", json.dumps(words["unheard"], ensure_ascii=False))
    health = health.replace("HEALTH", HEALTH)
    some = [{"condition": "numeric_state", "entity": DROPPED, "above": 0}]
    return {
        "type": "grid",
        "cards": [
            {"type": "heading", "heading": words["box"], "icon": "mdi:heart-pulse"},
            {"type": "markdown", "content": health, "grid_options": FULL},
            where_measured(LAST_READING, words["last_reading"]),
            where_measured(shown.battery, words["battery"]),
            {"type": "tile", "entity": DROPPED, "name": words["dropped"], "visibility": some},
        ],
    }


def dashboard(shown: Shown) -> Json:
    """Return the first dashboard."""
    view = {
        "title": shown.words["title"],
        "path": "now",
        "type": "sections",
        "max_columns": 3,
        "sections": [now(shown), last_days(shown.words), box(shown)],
    }
    return {"views": [view]}
