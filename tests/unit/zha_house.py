"""A small Home Assistant of our own: its registries and preferences, as pairing changes them."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hems.home_assistant import Access, HomeAssistant, HomeAssistantError
from hems.zigbee.pairing import joined
from hems.zigbee.pairing.joined import Request, Session
from hems.zigbee.pairing.registry import Registry

from tests.unit.zha_events import MODELS, entities

METER = ("sensor.meter_instantaneous_demand", "sensor.meter_summation_delivered")
SITES = 1_000  # imp/kWh of its meter


class House:
    """Home Assistant's answers to the commands that pairing sends."""

    def __init__(self, *ieees: str) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.devices = {ieee: self._device(ieee) for ieee in ieees}
        self.preferences: dict[str, Any] | None = {"device_consumption": []}
        self.memory: dict[str, Any] = {"grid": {"energy": "sensor.hems_energy"}}
        self.values: dict[str, str] = {}
        self.said: list[str] = []
        self.actions: list[tuple[str, Any]] = []
        self.refusals: list[HomeAssistantError] = []  # of the next attempts to set a number
        self.answers: dict[str, str] = {}  # what a number is, whatever it was set to
        for ieee in ieees:
            for entity in entities(ieee, german=True):
                self.entries[entity.unique_id] = {
                    "entity_id": entity.id,
                    "unique_id": entity.unique_id,
                    "platform": "zha",
                    "device_id": ieee,
                    "translation_key": entity.translation_key,
                    "original_device_class": entity.device_class,
                    "capabilities": {"state_class": entity.state_class},
                    "disabled_by": None if entity.enabled else "integration",
                }

    @staticmethod
    def _device(ieee: str) -> dict[str, Any]:
        return {
            "id": ieee,
            "identifiers": [["zha", ieee]],
            "name": " ".join(MODELS[ieee]),
            "name_by_user": None,
            "area_id": None,
        }

    @property
    def ids(self) -> set[str]:
        return {entry["entity_id"] for entry in self.entries.values()}

    def call(self, kind: str, **fields: Any) -> Any:
        """Answer a WebSocket command."""
        match kind.rpartition("/")[2]:
            case "list":
                known = self.entries if "entity" in kind else self.devices
                return list(known.values())
            case "get_entries":
                return {entry["entity_id"]: entry for entry in self.entries.values()}
            case "get_prefs":
                if self.preferences is None:
                    raise HomeAssistantError("No prefs", "not_found")
                return self.preferences
            case "save_prefs":
                self.preferences = {**(self.preferences or {}), **fields}
            case "get_system_data":
                return {"value": self.memory}
            case "set_system_data":
                self.memory = fields["value"]
            case "call_service":
                self._act(f"{fields['domain']}.{fields['service']}", fields["service_data"])
            case "update" if "entity" in kind:
                assert fields["new_entity_id"] not in self.ids, "it is in use"
                entry = self.entries[self._unique(fields["entity_id"])]
                entry["entity_id"] = fields["new_entity_id"]
            case "update":
                self.devices[fields.pop("device_id")].update(fields)
        return None

    def rest(self, _access: Access, method: str, path: str, body: Any = None) -> Any:
        """Answer a REST request."""
        if path == "/api/services/zha/remove":
            ieee = body["ieee"]
            del self.devices[ieee]
            gone = [key for key, entry in self.entries.items() if entry["device_id"] == ieee]
            for key in gone:
                del self.entries[key]
            return []
        if path == "/api/config":
            return {"language": "de"}
        entity = path.rpartition("/")[2]
        if entity in self.values:
            return {"state": self.values[entity], "attributes": {"unit_of_measurement": "W"}}
        raise HomeAssistantError(f"{method} {path}", "404")

    def _act(self, action: str, data: dict[str, Any]) -> None:
        self.actions.append((action, data))
        if action == "number.set_value":
            if self.refusals:
                raise self.refusals.pop(0)
            number = data["entity_id"]
            self.values[number] = self.answers.get(number, f"{float(data['value'])}")

    def _unique(self, entity_id: str) -> str:
        return next(key for key, one in self.entries.items() if one["entity_id"] == entity_id)

    def session(self, monkeypatch: pytest.MonkeyPatch, pulses: int = SITES) -> Session:
        monkeypatch.setattr(joined, "rest", self.rest)
        for name in ("READING_SECONDS", "DERIVED_SECONDS", "POLL_SECONDS"):
            monkeypatch.setattr(joined, name, 0.0)
        connection = cast(HomeAssistant, self)
        access = Access(1, "t")
        return Session(access, connection, Registry(connection), METER, pulses, self.said.append)

    def pair(self, monkeypatch: pytest.MonkeyPatch, ieee: str, request: Request) -> None:
        session = self.session(monkeypatch)
        named = joined.names(session, session.registry.devices()[ieee], request)
        joined.energy(session, named, request)
