"""Role base's `wifi_radio` on a box whose WiFi is off until a country is set, as it is flashed."""

from __future__ import annotations

import subprocess

import pytest

from tests.virtual.pi import job
from tests.virtual.pi.checkout import ROOT
from tests.virtual.wifi import machine
from tests.virtual.wifi.machine import Machine

pytestmark = pytest.mark.skipif(
    bool(machine.reason_to_skip()), reason=machine.reason_to_skip() or "nothing is missing"
)
STATE = "/var/lib/NetworkManager/NetworkManager.state"
# What pi-gen and raspberrypi-sys-mods leave on a card: NetworkManager's memory, and rfkill's block.
FLASHED = f"""
nmcli radio wifi off
rfkill block wifi
iw reg set 00
grep -q WirelessEnabled=false {STATE}
"""


def play(box: Machine) -> str:
    """Run the module by Ansible; what it prints."""
    words = ["ansible", "all", "-i", f"127.0.0.1:{box.port},", "-M", "roles/base/library"]
    words += ["-u", "root", "--private-key", str(box.key), "-m", "wifi_radio", "-a", "country=IE"]
    words += ["--ssh-extra-args=-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no"]
    done = subprocess.run(
        words, cwd=ROOT, env=job.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_box_as_it_is_flashed_gets_its_country_and_its_wifi(box: Machine) -> None:
    box.check("systemctl stop hems-onboarding || true")  # it would switch it on, too
    try:
        box.check(f"set -e; {FLASHED}")
        assert "CHANGED" in play(box)
        assert "country IE:" in box.check("iw reg get")
        assert box.check("nmcli radio wifi").strip() == "enabled"
        assert "Soft blocked: no" in box.check("rfkill list wifi")
        assert "WirelessEnabled=true" in box.check(f"cat {STATE}"), "at the next boot, too"
        assert "SUCCESS" in play(box), "a second play changes nothing"
    finally:
        box.run("nmcli radio wifi on; systemctl restart hems-onboarding")
