"""Full disks: named, healed once there is room again, and what was stored is still there."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests.appliance.home_assistant_client import HomeAssistant
from tests.appliance.influxdb_client import HEMS, Influxdb, connect
from tests.appliance.leds_box import Leds
from tests.appliance.waiting import LONG, wait_until
from tests.appliance.watchdog_box import COMPRESSED, Watchdog, until
from tests.appliance.zigbee_box import Device, Sensor, zigbee_state
from tests.virtual.meter.load import PROFILE

pytest_plugins = ["tests.appliance.home_assistant_fixtures", "tests.appliance.zigbee_box"]
pytestmark = pytest.mark.journal("hems-watchdog", "influxdb")

BUCKET = "hems_probe"
HOME_ASSISTANT, INFLUXDB = "home-assistant.service", "influxdb.service"
WATCHDOG = "hems-watchdog.service"
START_SECONDS = 300.0  # Home Assistant waits for what can't write
ROOM = 24  # MiB beside what is stored
DISK = "/run/hems-test-disk"


@contextmanager
def small_disk(pi: Any, *uses: tuple[str, str]) -> Generator[None]:
    """Put directories on one disk with a copy of what is in them; their units use that.

    ``uses``: a directory and the unit that is stopped while it moves, each.
    """
    directories, units = (" ".join(one) for one in zip(*uses, strict=True))
    move = " && ".join(
        f"mkdir {DISK}/{number} && cp -aT {directory} {DISK}/{number} && "
        f"mount --bind {DISK}/{number} {directory}"
        for number, (directory, _) in enumerate(uses)
    )
    pi.check_output(
        f"systemctl stop {units} && mkdir {DISK} && "
        f"size=$(du -scm {directories} | tail -1 | cut -f1) && "
        f"mount -t tmpfs -o size=$((size + {ROOM}))M tmpfs {DISK} && {move} && "
        f"systemctl start {units}"
    )
    try:
        yield
    finally:
        pi.check_output(
            f"systemctl stop {units}; umount {directories} {DISK}; rmdir {DISK}; "
            f"systemctl reset-failed {units}; systemctl start {units}"
        )


def fill(pi: Any, percent: int) -> None:
    """Use the disk up to ``percent`` per cent."""
    pi.check_output(
        f"rm -f {DISK}/filler; set -- $(df --block-size=1K --output=size,used {DISK} | tail -1) && "
        f"dd if=/dev/zero of={DISK}/filler bs=1K count=$(($1 * {percent} / 100 - $2)) status=none"
    )


@pytest.fixture
def influxdb(pi: Any, site: dict[str, Any]) -> Influxdb:
    return connect(pi, site)


def write(influxdb: Influxdb, value: int, text: str = "") -> int:
    """Store a value; return the answer's status."""
    line = f'full_disk value={value}i,text="{text}"'
    return influxdb.ask("POST", "/write", HEMS, {"db": BUCKET}, line).status


def is_written(influxdb: Influxdb, value: int) -> bool:
    """Whether a value is stored; not by a server that is just starting."""
    try:
        return write(influxdb, value) == 204
    except AssertionError:  # curl finds nobody there
        return False


def values(influxdb: Influxdb, since: int) -> set[int]:
    """Return the values that are stored."""
    text = f"SELECT value FROM full_disk WHERE time >= {since}"
    series = influxdb.query(HEMS, BUCKET, text).get("series", [{"values": []}])
    return {value for _, value in series[0]["values"]}


def test_influxdbs_full_disk_is_named_and_what_was_stored_is_still_there(
    pi: Any, site: dict[str, Any], influxdb: Influxdb
) -> None:
    box, leds, begin = Watchdog(pi, site), Leds(pi, site), time.time_ns()
    with small_disk(pi, (site["hems_path_influxdb"], INFLUXDB)), box.set(**COMPRESSED):
        assert until(lambda: write(influxdb, 1) == 204, 30)
        known = len(box.actions())
        fill(pi, 100)
        # More than what is left over in a file's last block, and can't be compressed.
        noise = "head -c 24000 /dev/urandom | base64 -w0"
        assert until(lambda: write(influxdb, 2, pi.check_output(noise)) == 500, 30)
        assert until(lambda: "disk_full" in box.codes())
        assert leds.blinks(box.shown)
        assert not {"influxdb_down", "influxdb_refuses"} & box.codes()
        # While the disk is full, a restart would lose readings; afterwards, one makes it whole.
        assert not until(lambda: box.actions()[known:], 15)
        pi.check_output(f"rm {DISK}/filler")
        assert until(lambda: "disk_full" not in box.codes())
        assert until(lambda: box.actions()[known:], 30)
        assert until(lambda: is_written(influxdb, 3), 30)
        (line,) = box.actions()[known:]
        assert f"| restart | {INFLUXDB} |" in line
        assert {1, 3} <= values(influxdb, begin)


def is_open(box: Watchdog, code: str) -> bool:
    """Whether exactly this one of a disk's issues is open; none for an empty code."""
    return {"disk_filling", "disk_full"} & box.codes() == {code} - {""}


def test_a_disk_that_fills_up_is_named_at_85_and_at_95_per_cent(
    pi: Any, site: dict[str, Any]
) -> None:
    box = Watchdog(pi, site)
    with small_disk(pi, (site["hems_path_state"], WATCHDOG)), box.set(**COMPRESSED):
        for percent, code in ((80, ""), (87, "disk_filling"), (97, "disk_full"), (80, "")):
            fill(pi, percent)
            assert until(partial(is_open, box, code), 30)


@pytest.fixture
def house(meter: Device) -> Generator[Device]:
    """The house's meter; afterwards the house has its own course of the day again."""
    yield meter
    meter.draw(PROFILE)


@LONG
def test_what_a_start_on_a_full_disk_leaves_is_cured_by_one_restart(
    pi: Any,
    site: dict[str, Any],
    home_assistant: HomeAssistant,
    influxdb: Influxdb,
    house: Device,
) -> None:
    """ZHA can't open its database there, and Home Assistant does not try again by itself."""
    power = Sensor(home_assistant, influxdb, "sensor.hems_power")
    loads, drawn = itertools.cycle(range(50_000, 95_000, 1_000)), []  # W; many pulses a second

    def is_read(since: int) -> bool:
        # What the meter tells while nobody listens is lost, and told again only when it changes.
        drawn.append(next(loads))
        house.draw(drawn[-1])
        time.sleep(1)  # until the reader knows the load from its pulses
        house.tell("report", house.name)
        return bool({float(load) for load in drawn} & set(power.points(since)))

    box, config = Watchdog(pi, site), site["hems_path_home_assistant_config"]
    wait_until(lambda: zigbee_state(home_assistant) == "loaded", 90, "ZHA is loaded")
    aside = f"ls {config} | grep zigbee.db.broken"
    before = pi.run(aside).stdout
    disk = small_disk(pi, (config, HOME_ASSISTANT), (site["hems_path_state"], WATCHDOG))
    with disk, box.set(look=3, look_again=1):
        home_assistant.wait_until_ready(START_SECONDS)
        fill(pi, 100)
        pi.check_output(f"systemctl restart {HOME_ASSISTANT}")
        wait_until(
            lambda: {"disk_full", "zigbee_down"} <= box.codes(), START_SECONDS, "both are named"
        )
        wait_until(lambda: zigbee_state(home_assistant) == "setup_error", START_SECONDS, "for good")
        known = len(box.actions())
        pi.check_output(f"rm {DISK}/filler")
        cleared = int(pi.check_output("date +%s%N"))
        wait_until(lambda: box.actions()[known:], START_SECONDS, "it is restarted")
        home_assistant.wait_until_ready(START_SECONDS)
        wait_until(lambda: zigbee_state(home_assistant) == "loaded", 90, "ZHA is loaded again")
        (line,) = box.actions()[known:]
        assert f"| restart | {HOME_ASSISTANT} | the disk was full" in line
        assert pi.run(aside).stdout == before, "nothing was taken for broken"
        wait_until(partial(is_read, cleared), START_SECONDS, "readings are stored again")
    home_assistant.wait_until_ready(START_SECONDS)
