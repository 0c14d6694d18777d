"""The ladder on a real Pi of ours: no Internet, with time compressed, until it really reboots."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.appliance.watchdog_box import COMPRESSED, UNIT, Watchdog, until

pytestmark = pytest.mark.journal("hems-watchdog")

SILENCE = "net.ipv4.icmp_echo_ignore_all"
REBOOT_AFTER = 20  # seconds without Internet
BOOT_SECONDS = 90


def booted(pi: Any) -> str:
    """When PID 1 started; empty while nobody answers."""
    try:
        ran = pi.run("systemctl show -P UserspaceTimestampMonotonic")
    except RuntimeError:  # testinfra's word for an ssh that can't connect
        return ""
    return str(ran.stdout).strip() if ran.rc == 0 else ""


@pytest.fixture
def watchdog(pi: Any, site: dict[str, Any]) -> Any:
    box = Watchdog(pi, site)
    yield box
    # The reboot took the loss and the compressed times with it, or the test failed before it.
    pi.run(f"sysctl -qw {SILENCE}=0; test ! -e {box.settings}.kept || "
           f"mv {box.settings}.kept {box.settings}")  # fmt: skip
    pi.check_output("/usr/lib/systemd/systemd-sysctl 60-hems.conf")
    step = f"{site['hems_path_state']}/watchdog.json"
    pi.check_output(f"systemctl stop {UNIT}; rm -f {step}")
    box.restart()
    assert until(lambda: pi.run("hems status").rc == 0, 180)


def test_without_internet_the_box_reboots_once_and_says_why(pi: Any, watchdog: Watchdog) -> None:
    before, known = booted(pi), len(watchdog.actions())
    ladder = f"s/^reboot = .*/reboot = [{REBOOT_AFTER}, 3600]/"
    edits = "; ".join(f"s/^{key} = [^ ]*/{key} = {value}/" for key, value in COMPRESSED.items())
    file = watchdog.settings
    pi.check_output(f"cp -a {file} {file}.kept && sed -i '{ladder}; {edits}' {file}")
    watchdog.restart()
    pi.check_output(f"sysctl -qw {SILENCE}=1")
    lost = time.monotonic()
    assert until(lambda: "no_internet" in watchdog.codes(), 20)
    assert until(lambda: booted(pi) not in ("", before), REBOOT_AFTER + BOOT_SECONDS)
    assert time.monotonic() - lost >= REBOOT_AFTER
    # The watchdog's first line of the new boot comes a moment after the boot itself.
    assert until(lambda: len(watchdog.actions()) >= known + 2, BOOT_SECONDS)
    reboot, start = watchdog.actions()[known : known + 2]
    assert "| reboot | box | no Internet (reboot 1 of this outage) |" in reboot
    assert "| start | box | the watchdog rebooted it | ladder at step 1" in start
    said = pi.check_output("hems why")
    assert "rebooted the box" in said and "because: no Internet" in said


def test_a_reboot_that_did_not_help_is_not_repeated(pi: Any, watchdog: Watchdog) -> None:
    step = f"{watchdog.log.rsplit('/', 1)[0]}/watchdog.json"
    pi.check_output("/usr/lib/systemd/systemd-sysctl 60-hems.conf")
    before = booted(pi)
    forget = f"rm -f {watchdog.health.rsplit('/', 1)[0]}/watchdog.json"
    pi.check_output(f"systemctl stop {UNIT}; {forget}; echo '{{\"step\": 1}}' > {step}")
    pi.check_output(f"chown hems: {step}")
    ladder = f"s/^reboot = .*/reboot = [{REBOOT_AFTER}, 3600]/"
    file = watchdog.settings
    pi.check_output(f"cp -a {file} {file}.kept && sed -i '{ladder}; s/^look = 30/look = 3/' {file}")
    pi.check_output(f"sysctl -qw {SILENCE}=1")
    watchdog.restart()
    assert not until(lambda: booted(pi) != before, 2 * REBOOT_AFTER)
