"""Zigbee devices and their entities in Home Assistant's registries."""

from __future__ import annotations

from typing import Any

from hems.home_assistant import HomeAssistant
from hems.zigbee.pairing.naming import Entity
from hems.zigbee.pairing.search import Device

ZHA = "zha"


class Registry:
    """The registries, asked anew at each call. Every method raises HomeAssistantError."""

    def __init__(self, connection: HomeAssistant) -> None:
        self._connection = connection

    def devices(self) -> dict[str, Device]:
        """Return ZHA's devices by their IEEE address."""
        entities: dict[str, list[Entity]] = {}
        ids = [entry["entity_id"] for entry in self.entries().values() if entry["platform"] == ZHA]
        # The list has no device classes.
        found = self._connection.call("config/entity_registry/get_entries", entity_ids=ids)
        for entry in filter(None, found.values()):
            entities.setdefault(entry["device_id"], []).append(_entity(entry))
        devices = {}
        for device in self._connection.call("config/device_registry/list"):
            ieee = next((value for domain, value in device["identifiers"] if domain == ZHA), None)
            if ieee:
                devices[ieee] = Device(
                    id=device["id"],
                    ieee=ieee,
                    default_name=device["name"] or "",
                    user_name=device["name_by_user"],
                    area=device["area_id"],
                    entities=tuple(entities.get(device["id"], ())),
                )
        return devices

    def entries(self) -> dict[str, dict[str, Any]]:
        """Return every integration's entities, as the registry lists them, by their id."""
        listed = self._connection.call("config/entity_registry/list")
        return {entry["entity_id"]: entry for entry in listed}

    def rename(self, old: str, new: str) -> None:
        """Give an entity another id; its history goes along."""
        self._connection.call("config/entity_registry/update", entity_id=old, new_entity_id=new)

    def name(self, device: Device, name: str, area: str | None) -> None:
        """Give a device a name for people, and a place."""
        self._connection.call(
            "config/device_registry/update", device_id=device.id, name_by_user=name, area_id=area
        )


def _entity(entry: dict[str, Any]) -> Entity:
    capabilities = entry.get("capabilities") or {}
    return Entity(
        id=entry["entity_id"],
        unique_id=str(entry["unique_id"]),
        translation_key=entry["translation_key"],
        device_class=entry["original_device_class"],
        state_class=capabilities.get("state_class"),
        enabled=entry["disabled_by"] is None,
    )
