"""The simulated dongle is a dongle to hosts of today that the appliance does not run."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import dongle, zigbee_hosts
from tests.contract.dongle import Dongle
from tests.virtual.zigbee.ezsp.frames import VERSION

CHANNELS = list(range(11, 27))
CHANNEL = 15  # on which nothing is sent


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], Dongle]]:
    """What bellows finds on a new dongle with new devices."""
    with dongle.new(tmp_path_factory.mktemp("bellows")) as one:
        proof = str(zigbee_hosts.PROOF)
        yield json.loads(zigbee_hosts.run("python", proof, f"socket://{one.address}")), one


@pytest.mark.parametrize(
    ("model", "manufacturer", "divisor"),
    [("EMIZB-141", "frient A/S", 1_000), ("SPM01X", "BITUO TECHNIK", 100)],
)
def test_bellows_interviews_and_reads_the_devices(
    proven: tuple[dict[str, Any], Dongle], model: str, manufacturer: str, divisor: int
) -> None:
    found = proven[0][model]
    assert found.pop("current_summ_delivered") >= 0
    assert found == {"manufacturer": manufacturer, "multiplier": 1, "divisor": divisor}


def test_bellows_scans_maps_and_moves_the_network(proven: tuple[dict[str, Any], Dongle]) -> None:
    found = proven[0]
    assert found["scanned"] == CHANNELS
    assert found["neighbours"] == [1, 2]  # the monitor's, and the coordinator's
    assert found["routes"] == [1, 1]
    assert (found["channel"], found["update_id"], found["backup"]) == (20, 1, True)
    assert proven[1].unknown() == []


@pytest.fixture(scope="module")
def formed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dongle]:
    """A new dongle on which zigpy-cli has formed a network."""
    with dongle.new(tmp_path_factory.mktemp("zigpy")) as one:
        zigpy(one, "form")
        yield one


def zigpy(one: Dongle, *command: str) -> str:
    return zigbee_hosts.run("zigpy", "radio", "ezsp", f"socket://{one.address}", *command)


def test_zigpy_cli_scans_moves_and_backs_up_a_network(formed: Dongle, tmp_path: Path) -> None:
    scanned = zigpy(formed, "energy-scan", "-n", "1")
    told = re.findall(r"^ - [ \[] *(\d+)[ \]*]+\d+\.\d+%", scanned, re.MULTILINE)
    assert sorted({int(channel) for channel in told}) == CHANNELS
    before = re.search(r"Channel:\s+(\d+)", zigpy(formed, "info"))
    assert before is not None
    other = 25 if before[1] != "25" else 20
    zigpy(formed, "change-channel", "--channel", str(other))
    info = zigpy(formed, "info")
    assert re.search(rf"Channel:\s+{other}\n", info)
    assert re.search(r"NWK update ID:\s+1\n", info)
    file = tmp_path / "backup.json"
    zigpy(formed, "backup", str(file))
    assert json.loads(file.read_text())["channel"] == other
    assert formed.unknown() == []


def test_zigpy_cli_listens_to_the_radio_alone(formed: Dongle, tmp_path: Path) -> None:
    file = tmp_path / "air.pcap"
    command = ("zigpy", "radio", "ezsp", f"socket://{formed.address}", "packet-capture")
    with zigbee_hosts.running(*command, "-c", str(CHANNEL), "-o", str(file)) as listening:
        end = time.monotonic() + zigbee_hosts.TIMEOUT_SECONDS
        while formed.status()["test_channel"] != CHANNEL:
            assert listening.poll() is None, "it gave up"
            assert time.monotonic() < end, "it did not begin to listen"
            time.sleep(0.1)
    assert file.exists()
    assert formed.unknown() == []


def test_the_flasher_finds_its_firmware(formed: Dongle) -> None:
    device = ("--device", f"socket://{formed.address}", "--probe-methods", "ezsp:115200")
    said = zigbee_hosts.run("universal-silabs-flasher", *device, "probe")
    assert "Detected ApplicationType.EZSP, version '7.4.4.0 build 0'" in said
    assert VERSION == 13  # which 7.4 speaks
    assert formed.unknown() == []
