"""A disk that has no room for a release, and one that a release fills.

The virtual Pi's own disk is the machine's: what counts here is on one of its own, in the memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.fleet.box import figure
from tests.fleet.conftest import Fleet
from tests.fleet.plays import HEAD, KILL, LINE, SITE

DISK = "/mnt/scenario"
SIZE = "1500M"  # an update wants 1 GiB free
# What updates keep, what a release writes, and where readings go.
HERE = "/var/lib/hems-update /var/www/hems /var/lib/influxdb"
MOVE = f"""
set -e
systemctl stop influxdb
mkdir -p {DISK} && mount -t tmpfs -o size={SIZE},mode=755 scenario {DISK}
for one in {HERE}; do
  cp -a --parents "$one" {DISK} && mount --bind "{DISK}$one" "$one"
done
systemctl start influxdb
"""
MOVE_BACK = f"""
set -e
systemctl stop influxdb
for one in {HERE}; do
  umount --lazy "$one" && find "$one" -mindepth 1 -delete && cp -aT "{DISK}$one" "$one"
done
umount --lazy {DISK} && rmdir {DISK}
systemctl start influxdb
"""
FULL = "/var/www/hems/full"
# The first finds out how much there is, the second takes what is left; the third is the proof.
FILL = (
    f"fallocate -l $(df --output=avail --block-size=1 {DISK} | tail -1) {FULL}; "
    f"cat /dev/zero >{FULL}.2; ! touch {FULL}.3 || ! echo x >{FULL}.3"
)


@pytest.fixture(scope="module", autouse=True)
def small_disk(fleet: Fleet) -> Iterator[None]:
    box = fleet.box
    box.check(MOVE)
    box.flows()
    yield
    box.check(MOVE_BACK)
    box.flows()


def test_without_room_nothing_is_begun(fleet: Fleet) -> None:
    box = fleet.box
    fleet.operator.write(SITE, HEAD + LINE.format(line="true"))
    name = fleet.hand_out()
    state = box.state
    before = box.everything()
    box.check(f"fallocate -l 700M {DISK}/something")
    said = box.update()
    box.check(f"rm {DISK}/something")
    assert box.problem.startswith(f"{name} needs "), said
    assert box.problem.endswith(" MiB: make room on the card.")
    assert box.state["release"] == state["release"] and box.everything() == before
    said = box.update()
    assert (box.state["release"], box.problem) == (name, ""), said
    fleet.restore()


def test_a_release_that_fills_the_disk_is_undone(fleet: Fleet) -> None:
    box = fleet.box
    before = box.condition()
    fleet.operator.write(SITE, HEAD + LINE.format(line=FILL))
    name = fleet.hand_out()
    since, begun = box.now(), time.monotonic()
    box.update()
    took = time.monotonic() - begun
    reason = "only 0 MiB of the card are free"
    box.expect_undone(name, reason, before)
    figure(f"{reason}: {took:.0f} s in all; pause {box.pause(since):.0f} s")
    fleet.restore()


def test_an_updater_that_dies_on_a_full_disk_is_ended_all_the_same(fleet: Fleet) -> None:
    box = fleet.box
    before = box.condition()
    fleet.operator.write(SITE, HEAD + LINE.format(line=f"{FILL}; {KILL}"))
    name = fleet.hand_out()
    begun = time.monotonic()
    box.update()
    box.settles(300)
    took = time.monotonic() - begun
    assert box.state["result"].startswith(f"{name} was undone, as it was interrupted once;")
    assert box.condition() == before and not box.problem
    box.flows()
    figure(f"the disk is full and the updater dead: {took:.0f} s until all is well")
    fleet.restore()
