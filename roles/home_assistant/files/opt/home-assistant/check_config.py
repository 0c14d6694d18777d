"""Check a Home Assistant configuration with the venv's own code, installing nothing.

``hass --script check_config`` would first install requirements with pip. Prints one JSON object:
``errors`` would stop Home Assistant or put it into recovery mode, ``warnings`` cost one
integration.

Usage: <venv>/bin/python check_config.py CONFIG_DIRECTORY
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys

from homeassistant import core, loader, runner
from homeassistant.config_entries import ConfigEntries
from homeassistant.helpers import area_registry, device_registry, entity_registry, issue_registry
from homeassistant.helpers.check_config import async_check_ha_config_file


async def check(directory: str) -> dict[str, list[str]]:
    """Return the messages, as homeassistant.scripts.check_config collects them."""
    hass = core.HomeAssistant(directory)
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = ConfigEntries(hass, {})
    await hass.config_entries.async_initialize()
    device_registry.async_setup(hass)
    await area_registry.async_load(hass)
    await device_registry.async_load(hass)
    await entity_registry.async_load(hass)
    await issue_registry.async_load(hass, read_only=True)
    result = await async_check_ha_config_file(hass)
    await hass.async_stop(force=True)
    return {
        "errors": [" ".join(item.message.split()) for item in result.errors],
        "warnings": [" ".join(item.message.split()) for item in result.warnings],
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps(asyncio.run(check(sys.argv[1]), loop_factory=runner.create_event_loop)))
