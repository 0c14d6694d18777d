"""A site's Pi dies, and `playbooks/restore.yml` makes a blank one the site again.

HEMS_PI names a converged Pi that is removed on the way; `make restore` makes one.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.restore import site
from tests.virtual.pi import home, play, reading, up
from tests.virtual.pi.checkout import ROOT, log_path
from tests.virtual.pi.machine import Pi
from tests.virtual.zigbee import on_pi
from tests.virtual.zigbee.devices.meter_reader import EMIZB_141

PI = Pi(os.environ.get("HEMS_PI", "restore"))
# A USB disk: another file system than the box's own.
MOUNT, PLACE = "/mnt/hems-backup", "/mnt/hems-backup/site"
PLUG_IN = f"mkdir -p {MOUNT} && mount -t tmpfs -o size=1g tmpfs {MOUNT}"
PASSPHRASE = "/etc/hems/secrets/backup_passphrase"
PROFILE = "/etc/NetworkManager/system-connections/theirs.nmconnection"
WIFI = "[connection]\nid=theirs\ntype=wifi\nautoconnect=false\n\n[wifi]\nssid=theirs\n"
RESTORE = ROOT / "playbooks" / "restore.yml"
# What a destination changes on a box that is an appliance already.
ROLE = play.of_roles("backup")
SETTLED = 30.0  # seconds after which what was read is stored
HEARD = 180.0  # seconds in which a reader that was never paired again has told its energy


@dataclass(frozen=True)
class Before:
    """The site before its Pi died; ``until`` is in ns since 1970."""

    until: int
    points: dict[str, dict[str, float]]
    ledger: set[str]
    network: str
    rest: dict[str, Any]


def play_to_its_end(playbook: Path, variables: Path) -> None:
    """Play it on the Pi."""
    log = log_path(f"restore-{playbook.stem}")
    line = play.command(str(playbook), "-e", f"@{variables}")
    returned, story = play.follow(line, log, play.environment(PI))
    assert returned == 0, f"{story.error} ({log})"


def figure(words: str) -> None:
    """Print a measured figure for whoever reads the run."""
    print(f"\nFIGURE {words}", flush=True)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Before:
    """A home that is measured, its backup on a disk, and a blank Pi with that disk and dongle."""
    if not PI.reachable():
        pytest.exit(f"the Pi '{PI.name}' can't be reached: `make restore` makes one", returncode=3)
    path = tmp_path_factory.mktemp("restore")
    home.pair(PI)
    home.draw(PI, "2000")
    reading.wait(PI)
    until = time.time_ns()
    site.check(PI, f"install -m 600 /dev/stdin {PROFILE}", WIFI)
    variables = path / "site.json"
    variables.write_text(json.dumps({"hems_backup_repository": PLACE}), encoding="utf-8")
    site.check(PI, PLUG_IN)
    role = path / "role.yml"
    role.write_text(ROLE, encoding="utf-8")
    play_to_its_end(role, variables)
    site.check(PI, "systemctl start hems-history.service")
    time.sleep(max(0.0, until / 10**9 + SETTLED - time.time()))
    points, ledger = site.points(PI, until), site.ledger(PI)
    network, rest = site.network(PI), site.remembered(PI)
    known = Before(until, points, ledger, network, rest)
    assert any(name.startswith("home_assistant W ") for name in points)
    site.check(PI, "hems backup now")
    words = site.check(PI, f"cat {PASSPHRASE}").strip()
    # The dongle is pulled out; the Pi is lost.
    site.check(PI, f"systemctl stop home-assistant {on_pi.UNIT}")
    site.save(PI, MOUNT, path / "disk.tar")
    site.save(PI, on_pi.STATE, path / "dongle.tar")
    PI.destroy()
    up.create(PI)
    site.check(PI, PLUG_IN)
    site.put(PI, MOUNT, path / "disk.tar")
    site.check(PI, f"systemctl stop {on_pi.UNIT} && rm -rf {on_pi.STATE}/*")
    site.put(PI, on_pi.STATE, path / "dongle.tar")
    site.check(PI, f"systemctl start {on_pi.UNIT}")
    variables.write_text(
        json.dumps({"hems_backup_repository": PLACE, "hems_secret_backup_passphrase": words}),
        encoding="utf-8",
    )
    begun = time.monotonic()
    play_to_its_end(RESTORE, variables)
    took = time.monotonic() - begun
    figure(f"playbooks/restore.yml on a blank Pi: {took:.0f} s")
    return known


def test_the_readings_are_those_of_the_backup(before: Before) -> None:
    there = site.points(PI, before.until)
    gone = before.points.keys() - there.keys()
    assert not gone, f"{len(gone)} of {len(before.points)} series: {sorted(gone)}"
    for name, values in before.points.items():
        assert there[name] == pytest.approx(values), name
    figure(f"{len(before.points)} series, counts and sums as they were")


def test_the_box_is_the_site_again(before: Before) -> None:
    assert site.remembered(PI) == before.rest
    assert site.ledger(PI) >= before.ledger


def test_zigbee_lives_and_nothing_was_paired_again(before: Before) -> None:
    status = json.loads(on_pi.tell(PI, ["status"]))
    assert status["devices"][EMIZB_141]["joined"]
    home.draw(PI, "3000")
    deadline = time.monotonic() + HEARD
    while (known := reading.look(PI).reading) is None or not 2700 < known.watts < 3300:
        assert time.monotonic() < deadline, f"the meter was not heard: {known}"
        time.sleep(2)
    assert site.network(PI) == before.network


@pytest.mark.usefixtures("before")
def test_the_next_backup_goes_on_where_the_last_one_ended() -> None:
    site.check(PI, "hems backup now")
    assert len(site.check(PI, "hems backup list").splitlines()) == 3
    assert "each as it was" in site.check(PI, "hems backup verify")
