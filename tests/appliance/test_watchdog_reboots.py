"""Reboots of the Pi itself: the ladder without Internet, and the last resort of a failing watchdog.

The Internet is lost in the house's router (tests/virtual/pi/recipe/house), behind an uplink that
NetworkManager has; time is compressed by the settings.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator
from typing import Any

import pytest

from tests.appliance.leds_box import Leds
from tests.appliance.watchdog_box import BOOT_SECONDS, COMPRESSED, UNIT, Watchdog, booted, until

pytestmark = pytest.mark.journal("hems-watchdog")

# Seconds without Internet until each rung: a busy machine needs ten for what one does, and a rung
# whose time comes meanwhile is left out.
ACTIVATE, RESTART, FIRST, SECOND = 5, 20, 40, 60
LADDER: dict[str, float | str] = {
    "activate": ACTIVATE,
    "restart": RESTART,
    "reboot": f"[{FIRST}, {SECOND}]",
    "clear": 8,
}
RUNGS = ["activate connection", "restart NetworkManager.service", "reboot box"]
FAILED = "/usr/local/sbin/hems-watchdog-failed"


@pytest.fixture(scope="module")
def watchdog(pi: Any, site: dict[str, Any]) -> Generator[Watchdog]:
    box = Watchdog(pi, site)
    with box.set(**COMPRESSED, **LADDER):
        yield box
    assert until(lambda: pi.run("hems status").rc == 0, 180)


def rungs(lines: list[str]) -> list[str]:
    """Return what was done to what."""
    return [" ".join(line.split(" | ")[1:3]) for line in lines]


def seconds(line: str) -> int:
    """Return for how long the Internet had been gone."""
    found = re.search(r"has answered for (\d+) s", line)
    assert found, line
    return int(found[1])


def reboots(pi: Any, before: str) -> bool:
    """Wait until the Pi has rebooted."""
    return bool(until(lambda: booted(pi) not in ("", before), SECOND + BOOT_SECONDS))


def step(box: Watchdog) -> int:
    """Return the ladder's step as it is kept on the disk."""
    content = box.pi.file(f"{box.log.rsplit('/', 1)[0]}/watchdog.json").content_string
    return int(json.loads(content)["step"])


def climb(pi: Any, box: Watchdog, leds: Leds) -> None:
    """See the Internet lost, and the box climb to its first reboot."""
    known, before = len(box.actions()), booted(pi)
    begin = pi.check_output("date '+%s'")
    pi.check_output("virtual-pi-house offline")
    assert leds.becomes("internet", False, 15)
    assert until(lambda: "no_internet" in box.codes(), 15)
    assert leds.blinks(box.shown)

    assert reboots(pi, before)
    done = box.actions()[known : known + 3]
    assert rungs(done) == RUNGS[:3]
    for line, least in zip(done, (ACTIVATE, RESTART, FIRST), strict=True):
        assert seconds(line) >= least
    assert "(reboot 1 of this outage)" in done[2]
    # NetworkManager's own journal: who asked for what.
    said = pi.check_output(f"journalctl -u NetworkManager --since @{begin} -o cat")
    user = pi.check_output("id -u hems")
    asked = rf'audit: op="connection-activate".*name="uplink".*uid={user} result="success"'
    orders = [r"starting connection 'uplink'", r"exiting \(success\)", r"is starting\.\.\."]
    places = [found.start() for one in (asked, *orders) if (found := re.search(one, said))]
    assert len(places) == 4 and places == sorted(places), said


def climb_higher(pi: Any, box: Watchdog, lock: str) -> None:
    """See the second reboot of an outage wait for its longer time, and for the appliance's lock."""
    known, before = len(box.actions()), booted(pi)

    def done() -> list[str]:
        return box.actions()[known:]

    assert until(lambda: rungs(done())[-2:] == RUNGS[:2], 60)
    last = seconds(done()[-1])
    with box.locked(lock):
        time.sleep(SECOND - last + 6)
        assert rungs(done())[-2:] == RUNGS[:2] and step(box) == 1
    assert reboots(pi, before)
    reboot = next(line for line in done() if "| reboot |" in line)
    assert "(reboot 2 of this outage)" in reboot and seconds(reboot) >= SECOND


def test_an_outage_climbs_the_ladder_to_ever_later_reboots(
    pi: Any, site: dict[str, Any], watchdog: Watchdog
) -> None:
    leds = Leds(pi, site)
    try:
        climb(pi, watchdog, leds)
        climb_higher(pi, watchdog, site["hems_path_lock"])
        start = "| start | box | the watchdog rebooted it | ladder at step 2"
        assert until(lambda: start in watchdog.actions()[-1], BOOT_SECONDS)
        assert step(watchdog) == 2
        assert "rebooted the box" in pi.check_output("hems why")
    finally:
        pi.check_output("virtual-pi-house online")
    # Internet for long enough starts the ladder from its foot.
    assert leds.becomes("internet", True, 60)
    assert until(lambda: step(watchdog) == 0, 60)
    assert until(lambda: "no_internet" not in watchdog.codes(), 15)


def test_a_watchdog_that_does_not_stay_up_reboots_the_box_by_force(
    pi: Any, watchdog: Watchdog
) -> None:
    known, before = len(watchdog.actions()), booted(pi)
    pi.check_output(f"cp -a {FAILED} {FAILED}.kept")
    try:
        # At least an hour between two such reboots: here, a second.
        pi.check_output(f"""sed -i 's/"$up" -ge [0-9]*/"$up" -ge 1/' {FAILED}""")
        pi.check_output("rm -f /run/hems-watchdog-failed/recent")
        watchdog.restart()
        for _ in range(3):
            assert until(lambda: pi.service(UNIT).is_running, 30)
            pi.check_output(f"systemctl kill --signal=KILL {UNIT}")
            time.sleep(1)
        assert reboots(pi, before)
    finally:
        pi.check_output(f"mv {FAILED}.kept {FAILED}")
    assert until(lambda: len(watchdog.actions()) >= known + 2, BOOT_SECONDS)
    reboot, start = watchdog.actions()[known : known + 2]
    assert "| reboot | box | the watchdog failed three times in 10 min |" in reboot
    assert "| start | box | the watchdog rebooted it |" in start
