"""Full disks: named, healed once there is room again, and what was stored is still there."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests.appliance.influxdb_client import HEMS, Influxdb, connect
from tests.appliance.leds_box import Leds
from tests.appliance.watchdog_box import COMPRESSED, Watchdog, until

pytestmark = pytest.mark.journal("hems-watchdog", "influxdb")

BUCKET = "hems_probe"
INFLUXDB = "influxdb.service"
ROOM = 24  # MiB beside what is stored
DISK = "/run/hems-test-disk"


@contextmanager
def small_disk(pi: Any, directory: str, unit: str) -> Generator[None]:
    """Put a directory on a disk of its own with a copy of what is in it; its unit uses that."""
    pi.check_output(
        f"systemctl stop {unit} && mkdir {DISK} && size=$(du -sm {directory} | cut -f1) && "
        f"mount -t tmpfs -o size=$((size + {ROOM}))M tmpfs {DISK} && cp -aT {directory} {DISK} && "
        f"mount --bind {DISK} {directory} && systemctl start {unit}"
    )
    try:
        yield
    finally:
        pi.check_output(
            f"systemctl stop {unit}; umount {directory} {DISK}; rmdir {DISK}; "
            f"systemctl reset-failed {unit}; systemctl start {unit}"
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
    with small_disk(pi, site["hems_path_influxdb"], INFLUXDB), box.set(**COMPRESSED):
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
    with small_disk(pi, site["hems_path_state"], "hems-watchdog.service"), box.set(**COMPRESSED):
        for percent, code in ((80, ""), (87, "disk_filling"), (97, "disk_full"), (80, "")):
            fill(pi, percent)
            assert until(partial(is_open, box, code), 30)
