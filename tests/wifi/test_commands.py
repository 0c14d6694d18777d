"""`hems wifi` with the real NetworkManager, wpa_supplicant and hostapd, over simulated radios.

It joins as the portal does (test_onboarding.py): what is shown there of a wrong passphrase, WPA3
and the like is not shown here again.
"""

from __future__ import annotations

import subprocess

import pytest

from tests.virtual.wifi import machine
from tests.virtual.wifi.machine import Machine

pytestmark = pytest.mark.skipif(
    bool(machine.reason_to_skip()), reason=machine.reason_to_skip() or "nothing is missing"
)
HOME = 'H"me 🏠'
PROFILES = "/etc/NetworkManager/system-connections"


def wifi(box: Machine, words: str, passphrase: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``hems wifi``."""
    line = f"cd /opt/src && PYTHONIOENCODING=utf-8 /opt/hems-python/bin/python -m hems wifi {words}"
    return box.run(line, f"{passphrase}\n".encode())


def stored(box: Machine) -> set[str]:
    """Return the names of the profiles on the disk."""
    names = box.check(f"ls {PROFILES}").splitlines()
    return {name.removesuffix(".nmconnection") for name in names}


def test_the_networks_in_range_are_listed_with_their_locks(box: Machine) -> None:
    seen = {}
    for _ in range(3):  # a scan of so many channels may miss one
        for line in wifi(box, "scan").stdout.splitlines():
            _, _, lock, name = line.split(None, 3)
            seen[name] = lock
    assert seen == {HOME: "WPA2", "Three": "WPA3", "Both": "WPA2/WPA3"}


@pytest.mark.parametrize(
    ("join", "words"),
    [("Both", "Set the router to WPA2 alone"), ("Nowhere --hidden", "not in range")],
)
def test_a_network_that_is_not_joined_is_said_why_and_never_reaches_the_disk(
    box: Machine, join: str, words: str
) -> None:
    before = stored(box)
    done = wifi(box, f"join {join}", "wrong horse")
    assert done.returncode == 1
    assert words in done.stderr
    assert stored(box) == before
    assert box.run(f"grep -r 'wrong horse' {PROFILES} /run/NetworkManager").stdout == ""


def test_the_right_passphrase_joins_and_is_stored(box: Machine) -> None:
    done = wifi(box, f"join '{HOME}'", "right horse")
    assert (done.returncode, done.stderr) == (0, "")
    assert HOME in stored(box)
    assert f"connected  {HOME} " in wifi(box, "status").stdout
    assert "192.168.1." in box.check("ip -4 address show dev wlan0")


def test_no_passphrase_is_in_a_log(box: Machine) -> None:
    assert box.check("journalctl --boot | grep -c -E '(right|wrong) horse' || true").strip() == "0"


def test_a_network_that_is_forgotten_leaves_the_disk(box: Machine) -> None:
    if HOME not in stored(box):
        wifi(box, f"join '{HOME}'", "right horse")
    assert wifi(box, f"forget '{HOME}'").returncode == 0
    assert HOME not in stored(box)
    again = wifi(box, f"forget '{HOME}'")
    assert (again.returncode, "is not stored" in again.stderr) == (1, True)
