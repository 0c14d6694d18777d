"""A USB-TIC adapter's frames, from a terminal on the box through every part to InfluxDB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.appliance.home_assistant_client import HomeAssistant, this_pi
from tests.appliance.influxdb_client import Influxdb
from tests.appliance.waiting import until, wait_until
from tests.virtual.tic import on_pi
from tests.virtual.tic.__main__ import METER
from tests.virtual.zigbee import on_pi as house

pytest_plugins = ["tests.appliance.home_assistant_fixtures", "tests.appliance.influxdb_fixtures"]
pytestmark = pytest.mark.journal("hems-tic", "virtual-tic", "home-assistant")

UNIT = "hems-tic.service"
STATE = "/var/lib/hems-linky/linky_serial.json"
ENERGY = "sensor.linky_serial_energy"
SECONDS = 60.0  # the daemon looks for the adapter, and then for the meter's speed
MOST_WATTS = "9000"


@pytest.fixture(scope="module")
def adapter(pi: Any) -> Iterator[None]:
    """An adapter on a meter that the box has not heard before."""
    pi.check_output(f"systemctl stop {UNIT}; rm -f {STATE}; systemctl start {UNIT}")
    on_pi.install(this_pi())
    yield
    on_pi.remove(this_pi())
    house.draw(this_pi(), "profile")
    pi.check_output(f"systemctl stop {UNIT}; rm -f {STATE}; systemctl start {UNIT}")


def energy(home_assistant: HomeAssistant) -> float | None:
    state = home_assistant.state(ENERGY)
    return float(state) if state and state.replace(".", "").isdecimal() else None


def report(pi: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(pi.run("hems linky --json").stdout)["tic"]
    return answer


def drawn(pi: Any) -> float:
    """Let the house draw for a while, then nothing; return what its meter has counted, kWh."""

    def pulses() -> int:
        return int(json.loads(pi.check_output(f"cat {on_pi.COUNTER}"))["pulses"])

    before = pulses()
    house.draw(this_pi(), MOST_WATTS)
    wait_until(lambda: pulses() > before + 10, SECONDS, "the meter has counted")
    house.draw(this_pi(), "0")
    # It stands still once two looks, over more than a frame's interval, see the same.
    last = -1
    while (now := pulses()) != last:
        last = now
        pi.run("sleep 3")
    return last / 1000


@pytest.mark.usefixtures("adapter")
def test_a_reading_travels_the_whole_way(
    pi: Any, home_assistant: HomeAssistant, influxdb: Influxdb
) -> None:
    wait_until(lambda: energy(home_assistant) is not None, SECONDS, "Home Assistant has the energy")
    house.draw(this_pi(), MOST_WATTS)
    power = "sensor.linky_serial_power"
    wait_until(
        lambda: (
            float(home_assistant.state(power) or 0) == pytest.approx(float(MOST_WATTS), rel=0.1)
        ),
        SECONDS,
        "Home Assistant has the power",
    )
    expected = drawn(pi)
    assert until(lambda: energy(home_assistant) == expected, SECONDS)
    assert home_assistant.state("sensor.linky_serial_tariff") == "TH.."

    def newest() -> float | None:
        text = "SELECT last(value) FROM \"kWh\" WHERE entity_id = 'linky_serial_energy'"
        found = influxdb.query("influxdb_token_hems", "home_assistant", text)
        series = found.get("series")
        return float(series[0]["values"][0][1]) if series else None

    assert until(lambda: newest() == expected, 30), f"InfluxDB has {newest()}, not {expected}"
    assert report(pi)["mode"] == "historique"
    assert pi.run("hems linky").stdout.count("linky_serial") == 1  # in the table, and no complaint


@pytest.mark.usefixtures("adapter")
def test_what_was_drawn_while_nobody_read_is_counted(
    pi: Any, home_assistant: HomeAssistant
) -> None:
    pi.check_output(f"systemctl stop {UNIT}")
    expected = drawn(pi)
    pi.check_output(f"systemctl start {UNIT}")
    assert until(lambda: energy(home_assistant) == expected, SECONDS)


@pytest.mark.usefixtures("adapter")
def test_an_adapter_that_is_pulled_out_is_named_and_taken_again(pi: Any) -> None:
    pi.check_output(f"systemctl stop {on_pi.UNIT}")
    wait_until(
        lambda: "is not plugged in" in pi.run("hems linky").stdout, SECONDS, "hems linky says it"
    )
    taken = report(pi)["taken"]
    pi.check_output(f"systemctl start {on_pi.UNIT}")
    wait_until(lambda: report(pi)["taken"] > taken, SECONDS, "it is read again")
    wait_until(
        lambda: "linky_serial:" not in pi.run("hems linky").stdout, SECONDS, "nothing is amiss"
    )


@pytest.mark.usefixtures("adapter")
def test_the_meters_number_is_in_no_file_and_no_journal(pi: Any) -> None:
    assert pi.run(f"grep -rl {METER} /var/lib/hems-linky /run/hems-tic").stdout == ""
    assert METER not in pi.check_output(f"journalctl -u {UNIT} --no-pager -o cat")
