"""The simulated Zigbee dongle and what is near it, as the tests on the Pi handle them.

``pytest_plugins`` names this module: its fixtures ``meter`` and ``mains`` are paired devices.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hems.home_assistant import HomeAssistantError

from tests.appliance.home_assistant_client import HomeAssistant, this_pi, tunnel, wait_until
from tests.appliance.influxdb_client import HEMS, Influxdb, connect
from tests.virtual.pi.home import MONITOR
from tests.virtual.zigbee import on_pi
from tests.virtual.zigbee.devices.din_rail import SPM01X
from tests.virtual.zigbee.devices.meter_reader import EMIZB_141

GONE = (None, "unavailable", "unknown")  # states of a sensor that has no value
SECONDS = 60.0  # a reader tells its energy at most every 30 s, its power every 5: ZHA's settings


@dataclass(frozen=True)
class Device:
    """A device of the simulated network, and the dongle that hears it."""

    pi: Any
    name: str  # as the simulator calls it
    entities: str  # what the ids of its sensors begin with

    def tell(self, *words: str) -> str:
        """Throw one of the simulator's switches."""
        return on_pi.tell(this_pi(), words)

    def status(self) -> dict[str, Any]:
        """Return what is so in the simulation."""
        answer: dict[str, Any] = json.loads(self.tell("status"))
        return answer

    @property
    def pulses(self) -> int:
        """What the meter's LED has flashed in its life."""
        return int(self.status()["pulses"])

    @property
    def joined(self) -> bool:
        """Whether it belongs to the dongle's network."""
        return bool(self.status()["devices"][self.name]["joined"])

    def draw(self, load: float | str) -> None:
        """Let the house draw so many W, or ``profile``."""
        on_pi.draw(this_pi(), str(load))

    def sensor(self, key: str) -> str:
        """Return the id of one of its sensors."""
        return f"{self.entities}_{key}"

    def mend(self) -> None:
        """End every fault: plugged in, quick, in range."""
        self.tell("mend")
        self.tell("plug")
        self.tell("back", self.name)

    def pair(self) -> None:
        """Run the appliance's own command, while no other device searches: it would join too."""
        name = self.entities.removeprefix("sensor.")
        # The second one measures the whole house, too: it is no consumer beside others.
        named = "" if self.name == EMIZB_141 else f" --name {name} --no-energy"
        devices = self.status()["devices"]
        if devices[self.name]["paired"]:
            self.tell("press", self.name)  # a member of a network looks for no other
        others = [other for other in devices if other != self.name and not devices[other]["paired"]]
        for other in others:
            self.tell("away", other)
        self.pi.check_output(f"hems zigbee pair{named}")
        for other in others:
            self.tell("back", other)


@dataclass(frozen=True)
class Sensor:
    """A sensor in Home Assistant, and its points in InfluxDB."""

    home_assistant: HomeAssistant
    influxdb: Influxdb
    id: str

    def attributes(self, *names: str) -> tuple[Any, ...]:
        """Return some attributes."""
        found = self.home_assistant.get(f"/api/states/{self.id}")["attributes"]
        return tuple(found[name] for name in names)

    def value(self) -> float | None:
        """Return its number; None while it has none."""
        try:
            state = self.home_assistant.state(self.id)
        except HomeAssistantError:
            return None
        return None if state in GONE else float(str(state))

    def points(self, since: int) -> list[float]:
        """Return its values in InfluxDB since a time in ns, the oldest first."""
        (unit,) = self.attributes("unit_of_measurement")
        name = self.id.removeprefix("sensor.")
        text = f"SELECT value FROM \"{unit}\" WHERE entity_id = '{name}' AND time >= {since}"
        series = self.influxdb.query(HEMS, "home_assistant", text).get("series", [])
        return [row[1] for one in series for row in one["values"]]

    def wait_for(self, value: Any, seconds: float = SECONDS) -> None:
        """Wait until Home Assistant has a value (or something that equals it)."""
        wait_until(lambda: self.value() == value, seconds, f"{self.id} is {value}")

    def wait_for_point(self, value: Any, since: int) -> None:
        """Wait until its newest point in InfluxDB has a value."""

        def stored() -> bool:
            return self.points(since)[-1:] == [value]

        wait_until(stored, SECONDS, f"the last point of {self.id} is {value}")


def zigbee_state(home_assistant: HomeAssistant) -> str:
    """Return the state of ZHA's config entry; "" while there is none or nobody answers."""
    try:
        entries = home_assistant.get("/api/config/config_entries/entry?domain=zha")
    except HomeAssistantError:
        return ""
    return str(entries[0]["state"]) if entries else ""


def zigbee_ids(home_assistant: HomeAssistant, ieee: str) -> dict[str, str]:
    """Return the entity ids of a device by their unique ids."""
    entries = home_assistant.call("config/entity_registry/list")
    return {
        entry["unique_id"]: entry["entity_id"]
        for entry in entries
        if entry["platform"] == "zha" and entry["unique_id"].startswith(ieee)
    }


def ieee_of(home_assistant: HomeAssistant, model: str) -> str:
    """Return the address of the device of a model."""
    devices = home_assistant.call("zha/devices")
    return next(str(device["ieee"]) for device in devices if device["model"] == model)


@pytest.fixture(scope="session")
def paired(
    pi: Any, site: dict[str, Any], secret: Callable[[str], str]
) -> Callable[[str, str, str], Device]:
    """Pairs a device unless it is: its name, its sensors' ids, and one of these sensors' keys.

    It does without the fixture of Home Assistant, whose tunnel no reboot of a test may cut.
    """

    def ready(name: str, entities: str, key: str) -> Device:
        device = Device(pi, name, entities)
        device.mend()
        with tunnel(this_pi(), site["hems_port_home_assistant"]) as port:
            client = HomeAssistant(port, secret("home_assistant_token"))
            client.wait_until_ready()
            wait_until(lambda: zigbee_state(client) == "loaded", SECONDS, "ZHA is loaded")
            sensor = Sensor(client, connect(pi, site), device.sensor(key))
            if not device.joined or client.state(sensor.id) is None:
                device.pair()
            assert device.joined
            wait_until(lambda: sensor.value() is not None, SECONDS, f"{sensor.id} has a value")
        return device

    return ready


@pytest.fixture(scope="session")
def meter(paired: Callable[[str, str, str], Device], site: dict[str, Any]) -> Device:
    """The meter, paired; a test that breaks it mends it again."""
    entities, _, key = site["hems_meter_power"].partition("_")
    return paired(EMIZB_141, entities, key)


@pytest.fixture(scope="session")
def mains(paired: Callable[[str, str, str], Device]) -> Device:
    """The DIN-rail monitor, paired too."""
    return paired(SPM01X, f"sensor.{MONITOR}", "voltage")


@pytest.fixture
def sensor(home_assistant: HomeAssistant, influxdb: Influxdb) -> Callable[[str], Sensor]:
    """Finds a sensor by its id."""
    return lambda name: Sensor(home_assistant, influxdb, name)
