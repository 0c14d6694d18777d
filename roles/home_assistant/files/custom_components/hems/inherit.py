"""Take over what earlier releases made of templates and of a utility meter."""

from __future__ import annotations

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry, restore_state
from homeassistant.util import dt as dt_util

from .ledger import Ledger

# Our unique ids, and by which platform and under which unique id theirs were made.
EARLIER = {
    "hems_power": ("template", "hems_power"),
    "hems_energy": ("template", "hems_energy"),
    "hems_energy_today": ("utility_meter", "hems_energy_today_single_tariff"),
}


def take_over(hass: HomeAssistant) -> None:
    """Let our sensors have the entity ids, names and options that theirs had."""
    registry = entity_registry.async_get(hass)
    for ours, (platform, theirs) in EARLIER.items():
        entity = registry.async_get_entity_id("sensor", platform, theirs)
        if entity is not None and not registry.async_get_entity_id("sensor", "hems", ours):
            renamed = {} if theirs == ours else {"new_unique_id": ours}
            registry.async_update_entity_platform(entity, "hems", **renamed)


def inherited(hass: HomeAssistant) -> Ledger:
    """Return what the utility meter had counted of its day, or an empty ledger."""
    registry = entity_registry.async_get(hass)
    entity = registry.async_get_entity_id("sensor", "hems", "hems_energy_today")
    stored = restore_state.async_get(hass).last_states.get(entity or "")
    if stored is None or stored.extra_data is None:
        return Ledger()
    extra = stored.extra_data.as_dict()
    try:
        # The source's last value, and what was counted of it: neither in a unit of display.
        meter = float(extra["last_valid_state"])
        today = float(extra["native_value"]["decimal_str"])
    except (KeyError, TypeError, ValueError):
        return Ledger()
    day = dt_util.as_local(stored.last_seen).date().isoformat()
    return Ledger(meter=meter, base=meter - today, day=day)
