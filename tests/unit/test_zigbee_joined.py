"""What pairing does to Home Assistant's registries and preferences, on a small one of our own."""

from __future__ import annotations

import pytest
from hems.zigbee.pairing import joined
from hems.zigbee.pairing.joined import PairingError, Request

from tests.unit.zha_events import MONITOR, READER
from tests.unit.zha_house import METER, House

HEAT_PUMP = Request("heat_pump", 240)


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
        f"({READER}): to replace it, add --replace and pair the new one again (hold its "
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
    with pytest.raises(PairingError, match=r"sensor\.heat_pump_power already belongs to mqtt"):
        house.pair(monkeypatch, MONITOR, HEAT_PUMP)
    assert house.ids == before, "nothing was renamed by halves"
    del house.entries["mine"]
    house.values["sensor.heat_pump_power"] = "1"
    with pytest.raises(PairingError, match="already belongs to the configuration:"):
        house.pair(monkeypatch, MONITOR, HEAT_PUMP)


def test_nothing_is_deleted_before_every_name_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one's ids don't count as taken, those of anybody else do."""
    house = House(READER, MONITOR)
    house.pair(monkeypatch, READER, Request("meter", 240))
    taken = {"entity_id": "sensor.meter_voltage", "platform": "mqtt", "device_id": "x"}
    house.entries["mine"] = {**next(iter(house.entries.values())), **taken}
    before = set(house.ids)
    with pytest.raises(PairingError, match=r"sensor\.meter_voltage already belongs to mqtt"):
        house.pair(monkeypatch, MONITOR, Request("meter", 240, replace=True))
    assert (list(house.devices), house.ids) == ([READER, MONITOR], before)
    del house.entries["mine"]
    house.pair(monkeypatch, MONITOR, Request("meter", 240, replace=True))
    assert list(house.devices) == [MONITOR]
    assert {"sensor.meter_voltage", *METER} < house.ids


def test_the_first_readings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(READER)
    house.pair(monkeypatch, READER, Request("meter", 240))
    session = house.session(monkeypatch)
    device = session.registry.devices()[READER]
    house.values = {METER[0]: "430", METER[1]: "unknown"}
    with pytest.raises(PairingError, match=rf"^It is paired, but {METER[1]} had no value within"):
        joined.reading(session, device, Request("meter", 240))
    house.values[METER[1]] = "0.0"
    with pytest.raises(PairingError, match=r"sensor\.hems_power and sensor\.hems_energy, which"):
        joined.reading(session, device, Request("meter", 240))
    house.values |= {"sensor.hems_power": "430.0", "sensor.hems_energy": "0.0"}
    joined.reading(session, device, Request("meter", 240))
    assert house.said[-2:] == [
        "It reports 430 W, 0.0 W.",
        "The house draws 430.0 W, and has used 0.0 W.",
    ]
    joined.reading(session, device, Request("meter", 240), 1_000)
    assert house.said[-2] == "It reports 430 W, 0.0 W at 1000 imp/kWh."
