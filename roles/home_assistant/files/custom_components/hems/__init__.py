"""The house's power and energy, whichever meter measures them.

Set up by YAML only (packages/hems): ``hems:`` names the meter's two entities and what ours are
called in the owner's language.
"""

from __future__ import annotations

import probatio
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.discovery import async_load_platform
from homeassistant.helpers.typing import ConfigType

from .house import House
from .inherit import inherited, take_over

DOMAIN = "hems"
CONFIG_SCHEMA = probatio.Schema(
    {
        DOMAIN: {
            probatio.Required("power"): cv.entity_id,
            probatio.Required("energy"): cv.entity_id,
            probatio.Required("max_power"): cv.positive_float,
            probatio.Required("names"): {str: str},
        }
    },
    extra=probatio.ALLOW_EXTRA,
)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Begin to listen to the meter and make the house's sensors."""
    take_over(hass)
    ours = config[DOMAIN]
    house = House(hass, ours["power"], ours["energy"], ours["max_power"])
    await house.start(inherited(hass))
    hass.data[DOMAIN] = house
    names = {"names": ours["names"]}
    hass.async_create_task(async_load_platform(hass, "sensor", DOMAIN, names, config))
    return True
