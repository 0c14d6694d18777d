"""Each report of a Zigbee device's attribute, also one of the same value.

ZHA 2.3 tells Home Assistant of a value only when it has changed, and begins with the last one that
it knew. zigpy's cluster tells of every report.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from homeassistant.core import HomeAssistant

EVENTS = ("attribute_report", "attribute_updated", "attribute_read")


def source(hass: HomeAssistant, entity: str) -> tuple[Any, str] | None:
    """Return the cluster and the attribute's name behind an entity; None: it is not ZHA's."""
    if "zha" not in hass.config.components:
        return None
    try:
        # Only where it is loaded already: it is big.
        from homeassistant.components.zha.helpers import (  # noqa: PLC0415
            get_zha_gateway_proxy,
        )

        reference = get_zha_gateway_proxy(hass).get_entity_reference(entity)
        if reference is None:
            return None
        sensor = reference.entity_data.entity
        return sensor._cluster, sensor._attribute_name
    except (ImportError, KeyError, ValueError, AttributeError):
        return None  # not set up, being set up, or of another kind


class Reports:
    """Follows the attribute behind an entity, also when ZHA makes it anew."""

    def __init__(self, hass: HomeAssistant, entity: str, reported: Callable[[], None]) -> None:
        self._hass, self._entity, self._reported = hass, entity, reported
        self._cluster: Any = None
        self._attribute = ""
        self._leave: list[Callable[[], None]] = []

    def follow(self) -> bool:
        """Listen to the cluster that the entity has now; return whether it has one."""
        found = source(self._hass, self._entity)
        cluster, attribute = found or (None, "")
        if cluster is not self._cluster:
            for leave in self._leave:
                leave()
            self._leave = []
            if cluster is not None:
                # After ZHA's own listener: the entity's state is the new one by then.
                self._leave = [cluster.on_event(event, self._heard) for event in EVENTS]
        self._cluster, self._attribute = cluster, attribute
        return cluster is not None

    @property
    def device(self) -> str:
        """The address of the device behind the entity; empty where there is none."""
        return str(self._cluster.endpoint.device.ieee) if self._cluster is not None else ""

    def updated_since(self, moment: datetime) -> bool:
        """Whether the device has told the attribute since then, also before its entity was."""
        try:
            attribute = self._cluster.find_attribute(self._attribute)
            return bool(self._cluster._attr_cache.get_last_updated(attribute) > moment)
        except Exception:  # zigpy's own kinds, which can't be imported where ZHA does not run
            return False

    def _heard(self, event: Any) -> None:
        if event.attribute_name == self._attribute:
            self._reported()
