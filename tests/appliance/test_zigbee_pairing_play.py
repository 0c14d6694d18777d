"""playbooks/pair_meter.yml: the interview in the operator's terminal, while it happens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.appliance.home_assistant_client import HomeAssistant, this_pi
from tests.appliance.zigbee_box import Device, ieee_of, zigbee_ids
from tests.virtual.pi.checkout import ROOT
from tests.virtual.pi.machine import SSH_CONFIG
from tests.virtual.pi.podman import podman
from tests.virtual.zigbee.devices.meter_reader import EMIZB_141

pytest_plugins = ["tests.appliance.home_assistant_fixtures", "tests.appliance.zigbee_box"]
pytestmark = [
    pytest.mark.journal("home-assistant", "hems-pairing"),
    pytest.mark.usefixtures("mains"),  # else it would join whenever joining is open
]

OPEN = "Joining is open"
ORDER = (
    OPEN,
    "is a frient A/S EMIZB-141",
    "metering is bound",
    "metering reports instantaneous_demand, current_summ_delivered",
    "EMIZB-141: is configured",
    "gives sensor instantaneous_demand",
    "Joining is closed",
    "Its name is",
    "The house draws",
)


@contextmanager
def play(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run playbooks/pair_meter.yml on this Pi; its output is read while it runs."""
    program = [sys.executable, "-m", "tests.virtual.pi", "play", this_pi().name]
    with subprocess.Popen(
        [*program, "playbooks/pair_meter.yml", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
        process.terminate()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Return what the play says up to a line with these words, or up to its end."""
    said = ""
    for line in process.stdout or ():
        said += line
        if words in line:
            break
    return said


def test_the_play_shows_the_interview_while_it_happens(
    home_assistant: HomeAssistant, meter: Device, site: dict[str, Any], pi: Any
) -> None:
    before = zigbee_ids(home_assistant, ieee_of(home_assistant, "EMIZB-141"))
    assert {site["hems_meter_power"], site["hems_meter_energy"]} < set(before.values())
    with play("-e", "pair_seconds=60") as process:
        # Nothing joins before the button is pressed, and that is after this line was shown.
        said = read_until(process, OPEN)
        assert process.poll() is None
        meter.tell("press", EMIZB_141)
        said += read_until(process, "never said")
        assert process.wait() == 0, said
    places = [said.find(words) for words in ORDER]
    assert places == sorted(places) and -1 not in places, said
    assert "changed=1 " in said
    assert zigbee_ids(home_assistant, ieee_of(home_assistant, "EMIZB-141")) == before
    assert pi.run("systemctl is-active hems-pairing").stdout.strip() == "inactive"


def test_a_lost_connection_does_not_end_the_pairing(meter: Device) -> None:
    box = this_pi()
    with play("-e", "pair_seconds=60") as process:
        said = read_until(process, OPEN)
        podman("exec", box.container, "systemctl", "stop", "ssh.service", doing="stop ssh")
        try:
            hang_up = ["ssh", "-F", str(SSH_CONFIG), "-O", "exit", box.alias]
            subprocess.run(hang_up, check=False, capture_output=True)
            said += read_until(process, "no connection to the box")
        finally:
            podman("exec", box.container, "systemctl", "start", "ssh.service", doing="start ssh")
        meter.tell("press", EMIZB_141)
        said += read_until(process, "never said")
        assert process.wait() == 0, said
    assert "The house draws" in said


def test_a_dry_run_says_what_it_would_do(pi: Any) -> None:
    with play("--check", "-e", "pair_name=heat_pump", "-e", "pair_replace=true") as process:
        said = read_until(process, "never said")
        assert process.wait() == 0
    assert "Would run 'sudo /usr/local/bin/hems zigbee pair --name heat_pump" in said
    assert "--replace' on the box." in said
    assert pi.run("systemctl is-active hems-pairing").stdout.strip() == "inactive"


def test_the_play_ends_as_the_pairing_ends(meter: Device) -> None:
    assert meter.joined
    with play("-e", "pair_seconds=2") as process:
        said = " ".join(read_until(process, "never said").split())
        assert process.wait() == 2
    assert "msg: 'No meter reader joined in time: within a few metres" in said
