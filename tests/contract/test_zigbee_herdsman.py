"""The simulated dongle is a dongle to a second host too, one that was written without bellows.

So it mirrors no library's own ideas of EZSP: zigbee-herdsman's `ember` adapter forms a network,
interviews both devices, binds, configures reporting and receives the meter's energy.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.contract import dongle, herdsman
from tests.contract.dongle import Dongle


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dongle]:
    """A new dongle, with new devices near it."""
    with dongle.new(tmp_path_factory.mktemp("zigbee")) as one:
        yield one


@pytest.fixture(scope="module")
def proof(new: Dongle, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("herdsman")
    return herdsman.prove(f"tcp://{new.address}", herdsman.packages(), place)


@pytest.fixture(scope="module")
def status(proof: dict[str, Any], new: Dongle) -> dict[str, Any]:
    """What the simulator says after the proof."""
    assert proof
    return new.status()


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


@pytest.mark.usefixtures("proof")
def test_it_asks_for_nothing_that_the_dongle_does_not_know(new: Dongle) -> None:
    assert new.unknown() == []


def test_it_says_what_it_has_not_found(tmp_path: Path) -> None:
    with pytest.raises(herdsman.Failure, match="zigbee-herdsman failed: error: "):
        herdsman.prove("tcp://127.0.0.1:1", herdsman.packages(), tmp_path)
