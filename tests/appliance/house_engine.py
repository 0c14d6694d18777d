"""Run the house's integration in Home Assistant's own engine, on the Pi, with a meter of our own.

Usage: <venv>/bin/python house_engine.py CUSTOM_COMPONENTS  (the steps as JSON on standard input)

A step is ``["power"|"energy", STATE, UNIT]``, ``["unit", ENTITY, UNIT]`` (an owner's choice),
A step is ``["power"|"energy", STATE, UNIT]``, ``["unit", ENTITY, UNIT]``,
``["earlier-release"]`` templates and a utility meter make our sensors until the restart.
Prints one JSON object a step: our sensors' states and units.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from homeassistant import core, loader
from homeassistant.config_entries import ConfigEntries
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.helpers import (
    area_registry,
    category_registry,
    device_registry,
    entity,
    entity_registry,
    floor_registry,
    issue_registry,
    label_registry,
    restore_state,
    translation,
)
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

METER = {"power": "sensor.m_power", "energy": "sensor.m_energy"}
OURS = ("power", "energy", "energy_today", "energy_week", "meter", "readings_dropped")
CONFIG = {"hems": {**METER, "max_power": 44_000, "names": {}}}
# What releases before the integration wrote into packages/hems.
EARLIER = {
    "template": [
        {
            "sensor": [
                {
                    "name": f"House {kind}",
                    "default_entity_id": f"sensor.hems_{kind}",
                    "unique_id": f"hems_{kind}",
                    "unit_of_measurement": unit,
                    "device_class": kind,
                    "state_class": state_class,
                    "availability": f"{{{{ is_number(states('{METER[kind]}')) }}}}",
                    "state": f"{{{{ states('{METER[kind]}') | float }}}}",
                }
                for kind, unit, state_class in (
                    ("power", "W", "measurement"),
                    ("energy", "kWh", "total_increasing"),
                )
            ]
        }
    ],
    "utility_meter": {
        "hems_energy_today": {
            "unique_id": "hems_energy_today",
            "source": "sensor.hems_energy",
            "cycle": "daily",
            "periodically_resetting": False,
        }
    },
}


async def start(directory: Path, config: dict[str, Any]) -> core.HomeAssistant:
    """Return a Home Assistant with these integrations in it, and nothing else."""
    hass = core.HomeAssistant(str(directory))
    loader.async_setup(hass)
    hass.config.skip_pip = True
    hass.config_entries = ConfigEntries(hass, {})
    await hass.config_entries.async_initialize()
    entity.async_setup(hass)
    translation.async_setup(hass)
    device_registry.async_setup(hass)
    for registry in (category_registry, floor_registry, label_registry, area_registry):
        await registry.async_load(hass)
    await device_registry.async_load(hass)
    await entity_registry.async_load(hass)
    await issue_registry.async_load(hass)
    await restore_state.async_load(hass)
    for name in config:
        assert await async_setup_component(hass, name, config), name
    hass.bus.async_fire(core.EVENT_HOMEASSISTANT_START)
    hass.set_state(core.CoreState.running)
    await hass.async_block_till_done()
    return hass


async def step(hass: core.HomeAssistant, words: list[Any]) -> None:
    """Do one step."""
    match words:
        case ["power" | "energy" as kind, state, unit]:
            attributes = {ATTR_UNIT_OF_MEASUREMENT: unit} if unit else {}
            hass.states.async_set(METER[kind], str(state), attributes)
        case ["unit", entity_id, unit]:
            options = {"unit_of_measurement": unit}
            registry = entity_registry.async_get(hass)
            registry.async_update_entity_options(entity_id, "sensor", options)
        case ["rename", old, new]:
            entity_registry.async_get(hass).async_update_entity(old, new_entity_id=new)
        case ["set-clock", seconds]:
            clock, now = time.time, dt_util.now
            time.time = lambda: clock() + seconds
            dt_util.now = lambda: now() + timedelta(seconds=seconds)
        case other:
            raise ValueError(other)
    await hass.async_block_till_done()


def seen(hass: core.HomeAssistant) -> dict[str, Any]:
    """Return what our sensors show: state and unit, by what they are called."""
    registry = entity_registry.async_get(hass)
    shown = {}
    for key in OURS:
        made = (("hems", ""), ("template", ""), ("utility_meter", "_single_tariff"))
        ids = [registry.async_get_entity_id("sensor", by, f"hems_{key}{end}") for by, end in made]
        found = next((one for one in ids if one), None)
        state = hass.states.get(found) if found else None
        unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
        shown[key] = [state.state, unit] if state else None
    return shown


async def run(components: str, steps: list[list[Any]]) -> None:
    """Do all steps."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / ".storage").mkdir()
        (directory / "custom_components").symlink_to(components)
        earlier = steps[0] == ["earlier-release"]
        hass = await start(directory, EARLIER if earlier else CONFIG)
        for words in steps[earlier:]:
            if words == ["restart"]:
                hass.bus.async_fire(core.EVENT_HOMEASSISTANT_STOP)
                await hass.async_block_till_done()
                hass.set_state(core.CoreState.final_write)
                hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
                await hass.async_block_till_done()
                await hass.async_stop(force=True)
                hass = await start(directory, CONFIG)
            else:
                await step(hass, words)
            print(json.dumps(seen(hass)))
        await hass.async_stop(force=True)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], json.load(sys.stdin)))
