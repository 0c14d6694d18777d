"""The simulated dongle against the daemon's own intake."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hems.d2l.frame import Fault, Type
from hems.linky.values import read

from tests.unit.test_d2l_frame import KEY
from tests.unit.test_d2l_intake import NUMBER, PROXY, Box
from tests.virtual.d2l.dongle import Dongle, NoAnswer
from tests.virtual.d2l.linky import HISTORIQUE, MODES, STANDARD, values


def send(box: Box, fault: str, count: int = 1, mode: str = STANDARD) -> list[float | None]:
    dongle = Dongle(NUMBER, KEY, fault)

    def push(number: int) -> float | None:
        try:
            return dongle.push(values(mode, "041776199277", 1000 + number, 420.0, 1.7e9))
        except (NoAnswer, OSError):
            return None

    def run(port: int) -> list[float | None]:
        dongle.connect("127.0.0.1", port)
        assert dongle._socket is not None
        dongle._socket.sendall(PROXY)  # nginx's part
        try:
            return [push(number) for number in range(count)]
        finally:
            dongle.close()

    async def work(port: int) -> Any:
        return await asyncio.to_thread(run, port)

    found: list[float | None] = box.run(work)
    return found


@pytest.mark.parametrize("fault", ["none", "split", "coalesced", "slow"])
@pytest.mark.parametrize("mode", MODES)
def test_every_way_that_frames_travel_is_answered(fault: str, mode: str) -> None:
    box = Box()
    assert send(box, fault, 3, mode) == [2e9] * 3
    assert len(box.readings) == 3
    assert box.source.refused == {}


@pytest.mark.parametrize(
    ("fault", "reason"), [("wrong-key", Fault.KEY.value), ("wrong-iv", Fault.IV.value)]
)
def test_a_wrong_key_is_not_answered(fault: str, reason: str) -> None:
    box = Box()
    assert box.talk(PROXY, Dongle(NUMBER, KEY, fault).frame(Type.CLOCK)) == b""
    assert box.source.refused == {reason: 1}


def test_the_simulated_meter_says_what_a_linky_says() -> None:
    for mode in MODES:
        found = read(values(mode, "041776199277", 1234567, 420.4, 1.7e9), b"salt", None)
        assert found is not None and found.damaged == ()
        assert found.reading.mode.value == mode
        index = "BASE" if mode == HISTORIQUE else "EAST"
        power = "PAPP" if mode == HISTORIQUE else "SINSTS"
        assert (found.reading.values[index], found.reading.values[power]) == (1234567, 420)
