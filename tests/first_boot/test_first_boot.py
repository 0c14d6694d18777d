"""A new site's card in a Raspberry Pi that nobody has touched: it makes itself the appliance.

The card's files are those of playbooks/new_site.yml, and Debian's own cloud-init reads them. What
the virtual Pi has in place of hardware: a directory stands for the FAT partition, and the network
is there already, so cloud-init leaves `network-config` alone. What no download gives here is taken
from the test bed, as the release's inventory says (tests/virtual/pi/substitutes.py).

HEMS_PI names a Pi that was only prepared; `make first-boot` makes one and removes it.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.fleet.box import Box, figure
from tests.virtual.fleet.appliance import Operator
from tests.virtual.fleet.server import serve
from tests.virtual.fleet.world import ENVIRONMENT
from tests.virtual.pi import home, play, reading
from tests.virtual.pi.machine import KEY, Pi

PI = Pi(os.environ.get("HEMS_PI", "first-boot"))
RELEASE = "v1.0.0"
LONGEST = 3600.0  # seconds until the box is on its release
FIRMWARE = "/boot/firmware"
# As Raspberry Pi OS has it, but for the network and the ssh key, by which the test bed comes in.
CLOUD = f"""\
datasource_list: [NoCloud, None]
datasource:
  NoCloud:
    seedfrom: file://{FIRMWARE}/
network: {{config: disabled}}
ssh_deletekeys: false
apt: {{preserve_sources_list: true}}
"""
# cloud-init wants locales, which this Pi's C library may be too new for: an empty package.
LOCALES = """
mkdir -p /tmp/locales/DEBIAN && cat >/tmp/locales/DEBIAN/control <<'END' &&
Package: locales
Version: 9999
Architecture: all
Maintainer: The test bed <root@localhost>
Description: nothing, on the virtual Pi
END
dpkg-deb --build /tmp/locales && dpkg --install /tmp/locales.deb
"""
# What is there only until the box is an appliance.
UNIT, OWN = "/etc/systemd/system/hems-first-boot.service", "/var/lib/hems-first-boot"


def write_card(operator: Operator, card: Path) -> None:
    """Write the files as the operator does, to a directory that looks like the FAT partition."""
    card.mkdir()
    (card / "config.txt").touch()
    work = operator.work
    words = ["-i", f"{work}/inventory/virtual", f"{work}/playbooks/new_site.yml"]
    subprocess.run(
        [play.command("")[0], *words, "-e", "site=pi", "-e", f"card={card}"],
        env={**play.environment(PI), "ANSIBLE_CONFIG": f"{work}/ansible.cfg"},
        check=True,
    )


def insert(box: Box, card: Path) -> None:
    """Give the Pi the card, and an operating system that reads it at its next start."""
    packed = subprocess.run(["tar", "-C", card, "-cf", "-", "."], check=True, capture_output=True)
    unpack = PI.ssh(f"mkdir -p {FIRMWARE} && tar -C {FIRMWARE} --no-same-owner -xf -")
    subprocess.run(unpack, input=packed.stdout, check=True)
    box.check(LOCALES)
    box.check("apt-get -qq update && apt-get -qq install -y --no-install-recommends cloud-init")
    box.check("cat >/etc/cloud/cloud.cfg.d/99_test_bed.cfg", CLOUD)


def reboot(box: Box) -> None:
    """Start it anew, and wait until it can be asked."""
    started = "systemctl show -P UserspaceTimestampMonotonic"
    before = box.check(started)
    box.run("systemctl reboot")
    box.wait(lambda: box.run(started).stdout not in ("", before), 120)


def is_there(box: Box, path: str) -> bool:
    return box.run(f"test -e {path}").returncode == 0


def test_a_card_makes_a_pi_the_sites_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    box, operator = Box(PI), Operator(tmp_path)
    with serve(tmp_path, box.outside()) as server:
        operator.begin(
            self_update_url=server.url,
            self_update_archives=[],
            hems_operator_keys=[KEY.with_suffix(".pub").read_text(encoding="ascii").strip()],
        )
        operator.release(RELEASE)
        operator.promote("canary", release=RELEASE)
        card = tmp_path / "card"
        write_card(operator, card)
        box.trust(tmp_path / "server.pem")
        insert(box, card)
        reboot(box)
        begun = time.monotonic()
        box.wait(lambda: is_there(box, UNIT), 300)  # cloud-init has read the card
        try:
            box.wait(lambda: not (is_there(box, UNIT) or is_there(box, OWN)), LONGEST)
        except AssertionError:
            print(box.run("journalctl -u hems-first-boot --no-pager -o cat | tail -60").stdout)
            raise
        figure(f"from the card's first start to its release: {time.monotonic() - begun:.0f} s")

        assert box.state["release"] == RELEASE
        left = box.check(f"cd {FIRMWARE} && grep -rl -e hems-first-boot -e ssh-ed25519 . || true")
        assert not left, "nothing of the site is on the FAT partition any more"
        assert box.check("systemctl is-enabled hems-update.timer").strip() == "enabled"
        assert "the release of ring canary" in box.check("hems update")
        assert not box.problem
        home.pair(PI)
        reading.wait(PI)
        assert "OK" in box.check("hems status").splitlines()
