"""What a device announces reaches Home Assistant vetted, or not at all."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.appliance.mqtt_client import NOT_AUTHORIZED, Broker, Client, Logins, published
from tests.appliance.waiting import wait_until
from tests.appliance.watchdog_box import COMPRESSED, Watchdog

pytest_plugins = ["tests.appliance.home_assistant_fixtures"]
pytestmark = pytest.mark.journal("hems-discovery", "mosquitto", "hems-watchdog")

# Home Assistant's sandbox lets a loop have 100 000 turns, and another one in each of them.
LOOP = "".join(f"{{% for {i} in range(99999) %}}" for i in "abc") + "{% endfor %}" * 3
HANG = "hems-discovery.service.d/test.conf"
ASIDE = "/var/lib/hems-discovery"
FOUND_SECONDS = 600.0  # four starts of Home Assistant; alone, a Pi needs two minutes and a half


@pytest.fixture
def login(door: Any, site: dict[str, Any], secret: Callable[[str], str]) -> Iterator[Logins]:
    logins = Logins(Broker(door.address, site["hems_port_mqtts"], door.ca), secret)
    yield logins
    logins.close()


class Bench:
    """The account of a device, and what Home Assistant hears of it."""

    def __init__(self, login: Logins) -> None:
        self.device, self.assistant = login("bench"), login("home_assistant")
        self.name = f"t{uuid.uuid4().hex[:8]}"
        self.source = f"homeassistant/sensor/bench/{self.name}/config"
        self.ours = f"vetted/sensor/bench/{self.name}/config"
        self.assistant.subscribe(self.ours)

    def announce(self, **more: Any) -> None:
        """Say, for good, that there is a sensor."""
        said = {
            "unique_id": f"bench_{self.name}",
            "state_topic": f"hems/bench/{self.name}",
            "default_entity_id": f"sensor.{self.name}",
            "device": {"identifiers": [f"bench_{self.name}"], "name": self.name},
            **more,
        }
        assert published(self.device.publish(self.source, json.dumps(said), retain=True))

    def heard(self, seconds: float = 10.0) -> list[bytes]:
        """Return what Home Assistant heard, as soon as there is anything."""
        deadline = time.monotonic() + seconds
        while not self.assistant.messages and time.monotonic() < deadline:
            time.sleep(0.1)
        return [payload for _, payload in self.assistant.messages]


@pytest.fixture
def bench(login: Logins) -> Iterator[Bench]:
    made = Bench(login)
    yield made
    made.device.publish(made.source, b"", retain=True)


def test_a_sensor_becomes_an_entity_and_ends_with_its_announcement(
    bench: Bench, home_assistant: Any
) -> None:
    bench.announce(command_topic="hems/bench/x", unit_of_measurement="W", device_class="power")
    (heard,) = bench.heard()
    assert "command_topic" not in json.loads(heard)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        bench.device.publish(f"hems/bench/{bench.name}", "42")
        states = {one["entity_id"]: one["state"] for one in home_assistant.get("/api/states")}
        if states.get(f"sensor.{bench.name}") == "42":
            break
        time.sleep(0.5)
    assert states[f"sensor.{bench.name}"] == "42"
    bench.device.publish(bench.source, b"", retain=True)
    while states.get(f"sensor.{bench.name}") and time.monotonic() < deadline + 20:
        states = {one["entity_id"]: one["state"] for one in home_assistant.get("/api/states")}
    assert f"sensor.{bench.name}" not in states


def test_a_template_that_would_stop_home_assistant_is_not_heard(
    pi: Any, bench: Bench, home_assistant: Any
) -> None:
    bench.announce(value_template=LOOP)
    bench.device.publish(f"hems/bench/{bench.name}", "1")
    assert bench.heard(3) == []
    assert home_assistant.get("/api/config")["state"] == "RUNNING"
    journal = pi.check_output("journalctl -u hems-discovery -n 20 -o cat")
    assert f"does not hear {bench.source}: its value_template" in journal


def test_a_device_speaks_for_no_other(bench: Bench) -> None:
    bench.announce(unique_id="meter_power", device={"identifiers": ["hems_meter"]})
    (heard,) = bench.heard()
    content = json.loads(heard)
    assert content["unique_id"] == "bench:meter_power"
    assert content["device"]["identifiers"] == ["bench:hems_meter"]
    assert bench.device.publish(bench.ours, "{}", retain=True) == NOT_AUTHORIZED


def test_what_an_owner_deletes_does_not_come_back(pi: Any, bench: Bench, login: Logins) -> None:
    bench.announce()
    assert len(bench.heard()) == 1
    # As Home Assistant does when its device is deleted.
    assert published(bench.assistant.publish(bench.ours, b"", retain=True))
    pi.check_output("systemctl restart hems-discovery")
    time.sleep(1)
    listener: Client = login("home_assistant")
    listener.subscribe(bench.ours)
    assert listener.settle("homeassistant/status") == []


def process(pi: Any, unit: str) -> str:
    """Return the number of a unit's process."""
    return str(pi.check_output(f"systemctl show {unit} --value --property=MainPID"))


def test_who_speaks_mqtt_outlives_the_broker(pi: Any, login: Logins) -> None:
    ours = ("hems-discovery", "hems-d2l", "hems-tic", "hems-watchdog")
    before = {unit: process(pi, unit) for unit in ours}
    assert before["hems-discovery"] != "0"
    said, again = "journalctl -u hems-discovery -o cat", "The broker says what devices announce."

    def connections() -> int:
        return str(pi.check_output(said)).count(again)

    for known in range(connections(), connections() + 2):
        pi.check_output("systemctl restart mosquitto")
        wait_until(partial(lambda known: connections() > known, known), 20, "it hears again")
    bench = Bench(login)
    bench.announce()
    assert len(bench.heard()) == 1
    bench.device.publish(bench.source, b"", retain=True)
    assert {unit: process(pi, unit) for unit in ours} == before


@pytest.fixture
def hasty(pi: Any) -> Iterator[None]:
    """A trial of a message takes seconds; what was set aside is forgotten at the end."""
    unit = f"/run/systemd/system/{HANG}"
    pi.check_output(
        f"mkdir -p {unit.rpartition('/')[0]} && "
        f"printf '[Service]\\nEnvironment=HEMS_DISCOVERY_PROOF=3\\n' >{unit} && "
        "systemctl daemon-reload && systemctl restart hems-discovery"
    )
    time.sleep(5)  # it takes out first what nobody speaks for
    yield
    pi.check_output(
        f"rm -r {unit.rpartition('/')[0]} {ASIDE}/*.json; systemctl daemon-reload; "
        "systemctl restart hems-discovery"
    )


def test_a_message_that_hangs_home_assistant_is_found_and_set_aside(
    pi: Any, site: dict[str, Any], bench: Bench, home_assistant: Any, hasty: None
) -> None:
    """As if the vetting had let one through: another account puts it where it listens."""
    del hasty
    box = Watchdog(pi, site)
    bench.announce()
    bench.heard()
    state = f"hems/bench/{bench.name}_bad"
    bad = bench.ours.replace("/config", "_bad/config")
    said = {"unique_id": f"{bench.name}_bad", "state_topic": state, "value_template": LOOP}
    known = len(box.actions())
    try:
        with box.set(**COMPRESSED):
            begun = time.monotonic()
            assert published(bench.assistant.publish(bad, json.dumps(said), retain=True))
            assert published(bench.device.publish(state, "1", retain=True))
            named = ("mqtt_message_set_aside", bad)
            wait_until(lambda: named in box.issues(), FOUND_SECONDS, "the message is set aside")
            print(f"found and set aside after {time.monotonic() - begun:.0f} s")
            restarts = [line for line in box.actions()[known:] if "| restart |" in line]
            assert len(restarts) == 3, "the budget of an hour"
            assert "account bench, kept as " in box.issues()[named]["detail"]
            wait_until(lambda: "home_assistant_down" not in box.codes(), 60, "it is back")
        assert home_assistant.get("/api/config")["state"] == "RUNNING"
        states = {one["entity_id"] for one in home_assistant.get("/api/states")}
        assert f"sensor.{bench.name}" in states
        (file,) = pi.check_output(f"ls {ASIDE}").split()
        kept = json.loads(pi.check_output(f"cat {ASIDE}/{file}"))
        assert (kept["topic"], json.loads(kept["payload"])) == (bad, said)
    finally:
        bench.device.publish(state, b"", retain=True)
        bench.assistant.publish(bad, b"", retain=True)
