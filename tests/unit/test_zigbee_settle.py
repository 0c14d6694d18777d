"""What pairing does to Home Assistant's registries and preferences, on a small one of our own."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hems.home_assistant import Access, HomeAssistant, HomeAssistantError
from hems.zigbee.pairing import settle
from hems.zigbee.pairing.registry import Registry
from hems.zigbee.pairing.settle import PairingError, Request, Session

from tests.unit.zha_events import MODELS, MONITOR, READER, entities

METER = ("sensor.meter_instantaneous_demand", "sensor.meter_summation_delivered")
HEAT_PUMP = Request("heat_pump", 240)


class House:
    """Home Assistant's answers to the commands that pairing sends."""

    def __init__(self, *ieees: str) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.devices = {ieee: self._device(ieee) for ieee in ieees}
        self.preferences: dict[str, Any] | None = {"device_consumption": []}
        self.memory: dict[str, Any] = {"grid": {"energy": "sensor.hems_energy"}}
        self.values: dict[str, str] = {}
        self.said: list[str] = []
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

    def _unique(self, entity_id: str) -> str:
        return next(key for key, one in self.entries.items() if one["entity_id"] == entity_id)

    def session(self, monkeypatch: pytest.MonkeyPatch) -> Session:
        monkeypatch.setattr(settle, "rest", self.rest)
        for name in ("READING_SECONDS", "DERIVED_SECONDS", "POLL_SECONDS"):
            monkeypatch.setattr(settle, name, 0.0)
        connection = cast(HomeAssistant, self)
        access = Access(1, "t")
        return Session(access, connection, Registry(connection), METER, self.said.append)

    def pair(self, monkeypatch: pytest.MonkeyPatch, ieee: str, request: Request) -> None:
        session = self.session(monkeypatch)
        named = settle.names(session, session.registry.devices()[ieee], request)
        settle.energy(session, named, request)


def test_the_meter_of_a_german_house(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(READER)
    house.pair(monkeypatch, READER, Request("meter", 240))
    assert set(METER) < house.ids
    assert "sensor.meter_battery" in house.ids
    assert house.devices[READER]["name_by_user"] == "Stromzähler"
    assert house.preferences == {"device_consumption": []}, "Energy has it as the house's grid"
    before = set(house.ids)
    house.devices[READER]["name_by_user"] = "Zähler im Keller"
    house.pair(monkeypatch, READER, Request("meter", 240))
    assert (house.ids, house.devices[READER]["name_by_user"]) == (before, "Zähler im Keller")


def test_a_named_device_comes_into_energy_once(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(MONITOR)
    house.preferences = None
    house.pair(monkeypatch, MONITOR, HEAT_PUMP)
    entry = {
        "stat_consumption": "sensor.heat_pump_summation_delivered",
        "stat_rate": "sensor.heat_pump_power",
        "name": "Heat pump",
    }
    assert house.preferences == {"device_consumption": [entry]}
    assert house.memory["grid"], "the playbook's memory stays"
    house.preferences = {"device_consumption": []}
    house.pair(monkeypatch, MONITOR, HEAT_PUMP)
    assert house.preferences == {"device_consumption": []}


def test_a_device_that_was_deleted_gets_its_new_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Home Assistant gives it the ids and the name that it had."""
    house = House(MONITOR)
    house.pair(monkeypatch, MONITOR, HEAT_PUMP)
    house.pair(monkeypatch, MONITOR, Request("boiler", 240))
    assert "sensor.boiler_power" in house.ids
    assert house.devices[MONITOR]["name_by_user"] == "Boiler"
    house.devices[MONITOR]["name_by_user"] = "Warm water"
    house.pair(monkeypatch, MONITOR, HEAT_PUMP)
    assert house.devices[MONITOR]["name_by_user"] == "Warm water", "that is the owner's own"


def test_energy_is_left_alone_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(MONITOR)
    house.pair(monkeypatch, MONITOR, Request("mains", 240, in_energy=False))
    assert house.preferences == {"device_consumption": []}
    assert "devices" not in house.memory


def test_a_replacement_takes_ids_name_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(READER, MONITOR)
    house.pair(monkeypatch, READER, Request("meter", 240))
    house.devices[READER].update(name_by_user="Main meter", area_id="cellar")
    with pytest.raises(PairingError) as refused:
        house.pair(monkeypatch, MONITOR, Request("meter", 240))
    assert str(refused.value) == (
        f"BITUO TECHNIK SPM01X ({MONITOR}) has joined, but 'meter' is frient A/S EMIZB-141 "
        f"({READER}): to put the new one in its place add --replace and pair it again (hold its "
        "button until it searches for a network)."
    )
    house.pair(monkeypatch, MONITOR, Request("meter", 240, replace=True))
    assert list(house.devices) == [MONITOR]
    assert set(METER) < house.ids
    assert house.devices[MONITOR]["name_by_user"] == "Main meter"
    assert house.devices[MONITOR]["area_id"] == "cellar"


def test_an_id_of_somebody_else_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(MONITOR)
    taken = {"entity_id": "sensor.heat_pump_power", "platform": "mqtt", "device_id": "x"}
    house.entries["mine"] = {**next(iter(house.entries.values())), **taken}
    before = set(house.ids)
    with pytest.raises(PairingError, match=r"sensor\.heat_pump_power is an entity of mqtt already"):
        house.pair(monkeypatch, MONITOR, HEAT_PUMP)
    assert house.ids == before, "nothing was renamed by halves"
    del house.entries["mine"]
    house.values["sensor.heat_pump_power"] = "1"
    with pytest.raises(PairingError, match="an entity of the configuration files already"):
        house.pair(monkeypatch, MONITOR, HEAT_PUMP)


def test_the_first_readings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(READER)
    house.pair(monkeypatch, READER, Request("meter", 240))
    session = house.session(monkeypatch)
    device = session.registry.devices()[READER]
    house.values = {METER[0]: "430", METER[1]: "unknown"}
    with pytest.raises(PairingError, match=rf"^It is paired, but {METER[1]} had no value within"):
        settle.reading(session, device, Request("meter", 240))
    house.values[METER[1]] = "0.0"
    with pytest.raises(PairingError, match=r"sensor\.hems_power and sensor\.hems_energy, which"):
        settle.reading(session, device, Request("meter", 240))
    house.values |= {"sensor.hems_power": "430.0", "sensor.hems_energy": "0.0"}
    settle.reading(session, device, Request("meter", 240))
    assert house.said[-2:] == [
        "It reports 430 W, 0.0 W.",
        "The house draws 430.0 W, and has used 0.0 W.",
    ]
