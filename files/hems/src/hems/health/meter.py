"""How long the meter has been silent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hems.home_assistant import Access, HomeAssistant


class MeterClock:
    """The meter's silence by our own monotonic clock alone.

    Its signs of life are times that others wrote. They are only compared for being different: an
    NTP step makes no reading older or newer.
    """

    def __init__(self, now: float) -> None:
        """Start at ``now``, monotonic seconds; a meter has until then been heard."""
        self._heard = now
        self._signs: dict[str, str] = {}

    def silence(self, signs: Mapping[str, str | None], now: float) -> float:
        """Return the seconds since a sign last changed. ``signs``: source → time, None: none.

        A source's first time says nothing: it may be of yesterday.
        """
        for source, time in signs.items():
            if time is None:
                continue
            if self._signs.get(source, time) != time:
                self._heard = now
            self._signs[source] = time
        return now - self._heard


def last_seen(access: Access, entity: str) -> str | None:
    """Return when ZHA last heard the device that has this entity; None: it is no Zigbee device.

    ZHA (2.3) tells Home Assistant of a value only when it has changed, so that a flat load leaves
    ``last_reported`` where it is; the device itself repeats its readings at least every 900 s.

    Raises HomeAssistantError.
    """
    with HomeAssistant(access) as home_assistant:
        registered = home_assistant.call("config/entity_registry/list")
        devices = home_assistant.call("zha/devices")
    return find(registered, devices, entity)


def find(
    registered: list[dict[str, Any]], devices: list[dict[str, Any]], entity: str
) -> str | None:
    """Return the ``last_seen`` of the Zigbee device that has the entity."""
    owner = next((one["device_id"] for one in registered if one["entity_id"] == entity), None)
    for device in devices:
        if owner is not None and device["device_reg_id"] == owner:
            return device.get("last_seen")
    return None
