"""The simulated dongle is a dongle to a second host too, one that was written without bellows.

So it mirrors no library's own ideas of EZSP: zigbee-herdsman's `ember` adapter forms a network,
interviews both devices, binds, configures reporting and receives the meter's energy.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.contract import herdsman
from tests.virtual.pi.checkout import ROOT
from tests.virtual.zigbee import control
from tests.virtual.zigbee.__main__ import SOCKET

WATTS = 72_000  # 20 pulses a second
AT = "The dongle is at socket://"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zigbee")


@pytest.fixture(scope="module")
def dongle(state: Path) -> Iterator[str]:
    """The address of a new dongle, with new devices near it."""
    command = [sys.executable, "-m", "tests.virtual.zigbee", "--state", str(state)]
    with subprocess.Popen(
        [*command, "--tcp", "127.0.0.1:0", "--watts", str(WATTS)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as simulator:
        try:
            line = simulator.stdout.readline() if simulator.stdout else ""
            assert line.startswith(AT), line
            address = line.removeprefix(AT).strip().removesuffix(".")
            yield f"tcp://{address}"
        finally:
            simulator.terminate()


@pytest.fixture(scope="module")
def proof(dongle: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return herdsman.prove(dongle, herdsman.packages(), tmp_path_factory.mktemp("herdsman"))


@pytest.fixture(scope="module")
def status(proof: dict[str, Any], state: Path) -> dict[str, Any]:
    """What the simulator says after the proof."""
    assert proof
    told: dict[str, Any] = json.loads(control.ask(state / SOCKET, ["status"]))
    return told


@pytest.mark.parametrize(
    ("model", "manufacturer", "divisor"),
    [("EMIZB-141", "frient A/S", 1_000), ("SPM01X", "BITUO TECHNIK", 100)],
)
def test_a_device_is_interviewed_and_reports(
    proof: dict[str, Any], status: dict[str, Any], model: str, manufacturer: str, divisor: int
) -> None:
    found = proof[model]
    assert (found["manufacturer"], found["multiplier"], found["divisor"]) == (
        manufacturer,
        1,
        divisor,
    )
    reports = found["reports"]
    assert len(reports) >= 3
    # It counts on, and never more than the meter's LED has flashed.
    assert all(before < after for before, after in pairwise(reports))
    assert 0 < reports[-1] * 1_000 // divisor <= status["pulses"]


def test_the_network_is_the_hosts_and_both_devices_are_in_it(status: dict[str, Any]) -> None:
    assert status["network"] == {"pan_id": 0x1A62, "channel": 11}
    assert {name: device["joined"] for name, device in status["devices"].items()} == {
        "emizb-141": True,
        "spm01x": True,
    }


def test_it_says_what_it_has_not_found(tmp_path: Path) -> None:
    with pytest.raises(herdsman.Failure, match="zigbee-herdsman failed: error: "):
        herdsman.prove("tcp://127.0.0.1:1", herdsman.packages(), tmp_path)
