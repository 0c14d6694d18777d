"""A D2L dongle's frames, from the house's network through every part to InfluxDB."""

from __future__ import annotations

import json
import socket
import time
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hems.d2l.d2l_settings import parse_key

from tests.appliance.home_assistant_client import HomeAssistant
from tests.appliance.influxdb_client import Influxdb
from tests.appliance.waiting import until, wait_until
from tests.virtual.d2l.dongle import Dongle, NoAnswer
from tests.virtual.d2l.linky import HISTORIQUE, STANDARD, values

pytest_plugins = ["tests.appliance.home_assistant_fixtures", "tests.appliance.influxdb_fixtures"]
pytestmark = pytest.mark.journal("hems-d2l", "nginx", "home-assistant")

NUMBER = "012345678901"
METER, OTHER_METER = "041776199277", "041776199999"
UNIT = "hems-d2l.service"
STATE = "/var/lib/hems-linky/linky.json"


class House:
    """The dongle and its meter, in front of the Pi."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self.host, self.port, self.key = host, port, parse_key(key)
        self.meter, self.mode, self.wh = METER, STANDARD, 2_565_000

    def push(self, wh: int = 0, fault: str = "none", dongle: Dongle | None = None) -> float | None:
        """Draw so many Wh and send the frame; the time that the box answers, None for nothing."""
        self.wh += wh
        one = dongle or Dongle(NUMBER, self.key, fault)
        one.connect(self.host, self.port)
        try:
            return one.push(values(self.mode, self.meter, self.wh, 420, time.time()))
        except (NoAnswer, OSError):
            return None
        finally:
            one.close()


@pytest.fixture(scope="module")
def house(pi: Any, address: str, site: dict[str, Any], secret: Any) -> Iterator[House]:
    """A meter that the box has not heard before."""
    pi.check_output(f"systemctl stop {UNIT}; rm -f {STATE}; systemctl start {UNIT}")
    yield House(address, site["hems_port_d2l"], secret(f"d2l_{NUMBER}"))
    pi.check_output(f"systemctl stop {UNIT}; rm -f {STATE}; systemctl start {UNIT}")


def energy(home_assistant: HomeAssistant) -> float | None:
    state = home_assistant.state("sensor.linky_energy")
    return float(state) if state and state.replace(".", "").isdecimal() else None


def newest(influxdb: Influxdb) -> float | None:
    """Return the energy that InfluxDB was told last, kWh."""
    text = "SELECT last(value) FROM \"kWh\" WHERE entity_id = 'linky_energy'"
    found = influxdb.query("influxdb_token_hems", "home_assistant", text)
    series = found.get("series")
    return float(series[0]["values"][0][1]) if series else None


def report(pi: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(pi.run("hems d2l --json").stdout)
    return answer


def refused(pi: Any) -> dict[str, int]:
    found: dict[str, int] = report(pi)["dongles"][0]["refused"]
    return found


def test_a_reading_travels_the_whole_way(
    house: House, home_assistant: HomeAssistant, influxdb: Influxdb
) -> None:
    answered = house.push()
    assert answered is not None
    assert abs(answered - time.time()) < 5
    # Home Assistant knows the entities only after their first frame.
    wait_until(
        lambda: house.push(1) and energy(home_assistant), 30, "Home Assistant has the energy"
    )
    assert home_assistant.state("sensor.linky_power") == "420"
    assert home_assistant.state("sensor.linky_tariff") == "BASE"
    house.push(1)
    expected = house.wh / 1000
    assert until(lambda: energy(home_assistant) == expected, 20)
    assert until(lambda: newest(influxdb) == expected, 30), f"InfluxDB has {newest(influxdb)}"


def test_what_the_meter_leaves_empty_is_unavailable(
    house: House, home_assistant: HomeAssistant
) -> None:
    assert house.push(1)
    wait_until(lambda: energy(home_assistant) == house.wh / 1000, 20, "the reading arrived")
    # CCASN-1 came as "|": no entity was ever made of it, and none has the value 0.
    assert home_assistant.state("sensor.linky_ccasn_1") is None


def test_neither_the_daemons_restart_nor_a_lone_error_changes_the_count(
    pi: Any, house: House, home_assistant: HomeAssistant
) -> None:
    pi.check_output(f"systemctl restart {UNIT}")
    before = house.wh
    house.wh = 17
    house.push()  # one wrong frame
    house.wh = before
    house.push(3)
    assert until(lambda: energy(home_assistant) == house.wh / 1000, 20)


def test_a_restart_of_home_assistant_loses_no_energy(
    pi: Any, house: House, home_assistant: HomeAssistant, influxdb: Influxdb
) -> None:
    before = house.wh / 1000
    assert until(lambda: newest(influxdb) == before, 30), f"InfluxDB has {newest(influxdb)}"
    pi.check_output("systemctl restart home-assistant.service")
    house.push(11)  # nobody stores this one, and the next carries it
    home_assistant.wait_until_ready()
    house.push(4)
    expected = house.wh / 1000
    assert until(lambda: energy(home_assistant) == expected, 30)
    assert until(lambda: newest(influxdb) == expected, 30), f"InfluxDB has {newest(influxdb)}"


def test_an_exchanged_meter_and_the_other_mode_go_on_counting(
    pi: Any, house: House, home_assistant: HomeAssistant
) -> None:
    confirm = tomllib.loads(pi.file("/etc/hems/d2l.toml").content_string)["confirm"]

    def be_believed() -> None:
        """Say it three times, for as long as the box wants to hear it."""
        house.push(1)
        for _ in range(2):
            time.sleep(confirm / 2 + 0.1)
            house.push(1)

    expected = house.wh / 1000
    house.meter, house.wh = OTHER_METER, 40
    be_believed()
    # Held back until three agreed; what the new meter counted from the first of them on is in.
    assert until(lambda: energy(home_assistant) == pytest.approx(expected + 0.002), 20)
    house.mode = HISTORIQUE
    be_believed()
    assert until(lambda: energy(home_assistant) == pytest.approx(expected + 0.004), 20)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("wrong-key", "compare its key"), ("wrong-iv", "compare its initialisation vector")],
)
def test_the_installer_is_told_what_is_wrong(pi: Any, house: House, fault: str, words: str) -> None:
    assert house.push(fault=fault) is None
    wait_until(lambda: words in pi.run("hems d2l").stdout, 25, "hems d2l says what to check")
    assert house.push(1)
    wait_until(lambda: pi.run("hems d2l").rc == 0, 25, "hems d2l is content again")


def test_a_replay_is_dropped(pi: Any, house: House) -> None:
    dongle = Dongle(NUMBER, house.key, "replay")
    assert house.push(1, dongle=dongle)
    house.push(dongle=dongle)
    wait_until(lambda: "it was sent before" in refused(pi), 25, "the replay is counted")


def test_a_stranger_and_rubbish_end_quietly(pi: Any, house: House) -> None:
    stranger = Dongle("999999991234", house.key)
    assert house.push(dongle=stranger) is None
    for rubbish in (b"GET / HTTP/1.1\r\n\r\n", b"\x03" * 500, b"\x00" * 20):
        with socket.create_connection((house.host, house.port), timeout=10) as one:
            one.sendall(rubbish)
            assert one.recv(16) == b""
    wait_until(lambda: report(pi)["strangers"] == {"…1234": 1}, 25, "the stranger is counted")
    journal = pi.check_output(f"journalctl -u {UNIT} --no-pager -o cat")
    assert "Traceback" not in journal
    numbers = (NUMBER, "999999991234", METER, OTHER_METER)
    assert [one for one in numbers if one in journal] == []
    pi.check_output(f"systemctl restart {UNIT}")  # the stranger is forgotten


def test_the_meters_number_is_on_no_disk(pi: Any, site: dict[str, Any]) -> None:
    found = pi.run(f"grep -rlE '{METER}|{OTHER_METER}' /var/lib/hems-linky /run/hems-d2l").stdout
    assert found == ""
    key = pi.file(f"{site['hems_path_secrets']}/d2l_{NUMBER}")
    assert (key.user, key.mode) == ("root", 0o600)
