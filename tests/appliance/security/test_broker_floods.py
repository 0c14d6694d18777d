"""What one device's account can fill the MQTT broker with: its share, while readings go on.

Each test prints its figures: messages, seconds, bytes, and what held.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.appliance.influxdb_client import HEMS, Influxdb
from tests.appliance.mqtt_client import Broker, Client, Logins, flood
from tests.appliance.waiting import wait_until
from tests.appliance.watchdog_box import COMPRESSED, Watchdog
from tests.virtual.meter.discovery import Message, announcement, farewell, state, status_topic
from tests.virtual.meter.pulses import Reading

pytest_plugins = [
    "tests.appliance.influxdb_fixtures",
    "tests.appliance.security.broker_fixtures",
]
pytestmark = pytest.mark.journal("mosquitto", "hems-mqtt-limits", "hems-discovery")

DATABASE = "mosquitto.db"
FLOOD_SECONDS, FLOOD_MESSAGES = 8.0, 100_000  # that a device goes on, whatever comes first
MESSAGES, BYTES = 200, 256 * 1024  # that an account may keep
MEMORY = 48  # MB that the broker allows itself: then it refuses everybody
PYTHON = "/opt/hems/current/bin/python"  # the box's own, which has paho


@pytest.fixture
def kept_database(pi: Any, site: dict[str, Any]) -> Iterator[str]:
    """The broker's directory; what was retained before is there again at the end."""
    directory = site["hems_path_mosquitto"]
    notes = f"{site['hems_path_notes']}/mosquitto"
    pi.check_output(
        f"systemctl stop mosquitto; cp -a {directory}/{DATABASE} {directory}/kept;"
        f" rm -rf {notes}.kept; cp -a {notes} {notes}.kept; systemctl start mosquitto"
    )
    yield directory
    pi.check_output(
        f"systemctl stop mosquitto; mv {directory}/kept {directory}/{DATABASE};"
        f" rm -f {directory}/*.broken-*; cp -a {notes}.kept/. {notes}/; rm -rf {notes}.kept;"
        " systemctl reset-failed mosquitto; systemctl start mosquitto;"
        " systemctl restart hems-discovery"  # it names who kept too much for ten minutes
    )


@pytest.fixture
def send(
    kept_database: str,  # noqa: ARG001 - the broker is restarted for it
    broker: Broker,
    secret: Callable[[str], str],
) -> Callable[[str], int]:
    """Has a device flood the broker in one of the ways; how many messages it has handed over."""

    def flooding(kind: str) -> int:
        messages = map(FLOODS[kind], range(FLOOD_MESSAGES))
        return flood(broker, ("bench", secret("mqtt_bench")), messages, FLOOD_SECONDS)

    return flooding


def memory(pi: Any) -> int:
    """Return the most that the broker has taken since it was started, MB."""
    pid = pi.check_output("systemctl show mosquitto.service --value --property=MainPID")
    return int(pi.check_output(f"grep VmHWM /proc/{pid}/status").split()[1]) // 1024


def restarts(pi: Any) -> list[str]:
    """Return how often systemd has started the broker and who counts in it again."""
    units = "mosquitto.service hems-discovery.service"
    return str(pi.check_output(f"systemctl show {units} --value --property=NRestarts")).split()


def named(pi: Any) -> list[str]:
    """Return the accounts that are said to keep too much."""
    issues = json.loads(pi.file("/run/hems-discovery/issues.json").content_string)
    return [subject for code, subject, _ in issues if code == "mqtt_account_full"]


def kept(reader: Client) -> list[int]:
    """Return the sizes of the messages that the account has in the broker."""
    reader.messages.clear()
    reader.subscribe("hems/bench/#", "homeassistant/+/bench/+/config")
    reader.settle("homeassistant/status")
    return [len(topic) + len(payload) for topic, payload in reader.messages]


def is_within_its_share(reader: Client) -> bool:
    sizes = kept(reader)
    return 0 < len(sizes) <= MESSAGES and sum(sizes) <= BYTES


FLOODS = {
    "many": lambda at: (f"hems/bench/{at:x}", b"x"),
    "deep": lambda at: (f"hems/bench/{at:x}/////", b"x"),  # the most memory for a byte
    "announced": lambda at: (f"homeassistant/{at:x}/bench/{at:x}/config", b"x"),
}


@pytest.mark.parametrize("kind", ["many", "announced"])
def test_a_device_keeps_its_share_in_the_broker_and_no_more(
    pi: Any,
    send: Callable[[str], int],
    kind: str,
    another: Callable[[], dict[str, Any]],
    login: Logins,
) -> None:
    before = restarts(pi)
    begun = time.monotonic()
    sent = send(kind)
    seconds = time.monotonic() - begun
    other = another()
    reader = login("discovery")
    wait_until(lambda: is_within_its_share(reader), 40, "it is taken out")
    wait_until(lambda: named(pi) == ["bench"], 20, "the account is named")
    most, left = memory(pi), len(kept(reader))
    print(
        f"{kind}: {sent} messages handed over in {seconds:.0f} s, the broker took {most} MB; then"
        f" it keeps {left}; another client meanwhile: {other}"
    )
    assert most < MEMORY
    assert restarts(pi) == before
    assert "milliseconds" in other


SPEAK = """
import json, sys, time, paho.mqtt.client as mqtt
account, password, port, pause, messages = sys.argv[1:]
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"test-{account}")
client.username_pw_set(account, open(password).read().strip())
client.connect("127.0.0.1", int(port))
client.loop_start()
for topic, payload, retain in json.loads(messages):
    client.publish(topic, payload, 1, retain).wait_for_publish(10)
    time.sleep(float(pause))
client.disconnect()
"""


class Speaker:
    """Speaks for accounts on the box itself, whose addresses are not counted."""

    def __init__(self, pi: Any, site: dict[str, Any]) -> None:
        self._pi = pi
        self._run = f"{PYTHON} -c {shlex.quote(SPEAK)}"
        self._secrets, self._port = site["hems_path_secrets"], site["hems_port_mqtt"]

    def say(self, account: str, messages: list[Message], pause: float = 0.0) -> None:
        """Publish these, with a pause after each."""
        said = json.dumps([(one.topic, one.payload, one.retain) for one in messages])
        where = f"{account} {self._secrets}/mqtt_{account} {self._port} {pause}"
        self._pi.check_output(f"{self._run} {where} {shlex.quote(said)}")


@pytest.fixture
def speaker(pi: Any, site: dict[str, Any]) -> Speaker:
    return Speaker(pi, site)


READINGS, PAUSE_SECONDS = 16, 0.5


@pytest.fixture
def meter(
    speaker: Speaker,
    influxdb: Influxdb,
    kept_database: str,  # noqa: ARG001 - the broker is restarted for it
) -> Iterator[Callable[[list[float]], None]]:
    """Has another device report these values, W, one after the other; its readings are stored."""
    online = Message(status_topic("meter"), "online", retain=True)
    begin = time.time_ns()

    def report(watts: list[float]) -> None:
        said = [one for value in watts for one in state("meter", Reading(value, 0.0))[:1]]
        speaker.say("meter", said, PAUSE_SECONDS)

    def is_stored() -> bool:  # Home Assistant first has to find the broker again
        speaker.say("meter", [*announcement("meter"), online])
        report([1.0, 1.0, 1.0])
        return bool(stored(influxdb, begin))

    wait_until(is_stored, 90, "its readings are stored")
    yield report
    speaker.say("meter", farewell("meter"))


def stored(influxdb: Influxdb, since: int) -> set[float]:
    """Return the meter's values that are stored."""
    text = f"SELECT value FROM W WHERE entity_id = 'meter_power' AND time >= {since}"
    series = influxdb.query(HEMS, "home_assistant", text).get("series", [{"values": []}])
    return {value for _, value in series[0]["values"]}


def test_readings_go_on_during_a_flood_and_status_names_it(
    pi: Any,
    site: dict[str, Any],
    influxdb: Influxdb,
    meter: Callable[[list[float]], None],
    send: Callable[[str], int],
    *,
    login: Logins,
) -> None:
    box, begin, before = Watchdog(pi, site), time.time_ns(), restarts(pi)
    during, after = ([base + at for at in range(READINGS)] for base in (1000.0, 2000.0))
    with box.set(**COMPRESSED), ThreadPoolExecutor(1) as beside:
        reported = beside.submit(meter, during)
        sent = send("deep")
        reported.result()
        wait_until(lambda: ("mqtt_account_full", "bench") in box.issues(), 60, "it is named")
        assert "bench" in pi.run("hems status").stdout
    meter(after)
    reader = login("discovery")
    wait_until(lambda: is_within_its_share(reader), 40, "it is taken out")
    wait_until(lambda: {*during, *after} <= stored(influxdb, begin), 30, "every reading is stored")
    most, left = memory(pi), len(kept(reader))
    print(
        f"deep: {sent} messages handed over in {FLOOD_SECONDS:.0f} s, the broker took {most} MB;"
        f" then it keeps {left}; {len(during)} readings during it and {len(after)} after it: all"
        " are stored"
    )
    assert most < MEMORY
    assert restarts(pi) == before


FILL = """
import sys, paho.mqtt.client as mqtt
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "fill", reconnect_on_failure=False)
client.username_pw_set("bench", open(sys.argv[1]).read().strip())
gone = []
client.on_disconnect = lambda *_: gone.append(1)
client.connect("127.0.0.1", int(sys.argv[2]))
client.loop_start()
for at in range(int(sys.argv[3])):
    if gone:
        break
    client.publish(f"hems/bench/{at}", b"x" * 100_000, 1, True).wait_for_publish(5)
print(at)
"""


@pytest.fixture
def fill(pi: Any, site: dict[str, Any]) -> Callable[[int], int]:
    """Fills the broker with so many messages, from the box itself, where nothing is counted."""
    where = f"{site['hems_path_secrets']}/mqtt_bench {site['hems_port_mqtt']}"
    return lambda number: int(pi.check_output(f"{PYTHON} -c {shlex.quote(FILL)} {where} {number}"))


@pytest.mark.usefixtures("kept_database")
def test_large_messages_are_taken_out_by_their_bytes(
    pi: Any, fill: Callable[[int], int], login: Logins
) -> None:
    assert fill(30) == 29
    reader = login("discovery")
    wait_until(lambda: is_within_its_share(reader), 40, "it is taken out")
    wait_until(lambda: named(pi) == ["bench"], 20, "the account is named")
    left = kept(reader)
    print(f"30 messages of 100000 bytes, the broker took {memory(pi)} MB; then it keeps {left}")
    assert len(left) == 2


def test_a_full_broker_starts_without_what_filled_it(
    pi: Any, fill: Callable[[int], int], another: Callable[[], dict[str, Any]], kept_database: str
) -> None:
    """Without who takes out what is too much."""
    pi.check_output("systemctl stop hems-discovery.service")
    try:
        sent = fill(900)
        print(f"{sent} messages of 100000 bytes, the broker takes {memory(pi)} MB")
        assert sent < 899 and memory(pi) < 100
        pi.check_output("systemctl restart mosquitto.service")
        assert "milliseconds" in another()
        assert f"{DATABASE}.broken-" in pi.check_output(f"ls {kept_database}")
    finally:
        pi.check_output("systemctl start hems-discovery.service")
