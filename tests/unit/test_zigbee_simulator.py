"""The simulator's switches, its faults, and how it is put on a virtual Pi."""

from __future__ import annotations

import asyncio
import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from tests.unit.zigbee_host import INIT, Host
from tests.virtual.zigbee import ash, control, on_pi
from tests.virtual.zigbee.ezsp.wire import u16
from tests.virtual.zigbee.faults import Faults
from tests.virtual.zigbee.house import House
from tests.virtual.zigbee.link import Terminal
from tests.virtual.zigbee.session import ACK_TIMEOUT_SECONDS
from tests.virtual.zigbee.simulator import Simulator


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    return Simulator(House(load="1000"), ["emizb-141", "spm01x"], tmp_path, lambda _: None)


def told(simulator: Simulator, *lines: str) -> str:
    """Give commands one after the other; return the last answer."""

    async def give() -> str:
        answer = ""
        for line in lines:
            answer = await simulator.obey(line.split())
        return answer

    return asyncio.run(give())


def test_a_new_simulator_is_blank_and_its_devices_unpaired(simulator: Simulator) -> None:
    status = json.loads(told(simulator, "plug", "status"))
    assert status["plugged"] and status["network"] is None
    assert [device["paired"] for device in status["devices"].values()] == [False, False]


def test_the_status_tells_what_is_still_wrong(simulator: Simulator) -> None:
    status = json.loads(told(simulator, "plug", "corrupt 2", "slow 1.5", "status"))
    assert status["faults"] == {"corrupt": 2, "drop": 0, "deaf": 0, "slow": 1.5}
    assert (status["host"], status["resets"], status["pulses"]) == (False, 0, 0)
    assert not any(json.loads(told(simulator, "mend", "status"))["faults"].values())


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("dance", "'dance' is no command here"),
        ("corrupt many", "'many' is no whole number"),
        ("slow 61", "from 0 to 60, not '61'"),
        ("corrupt", "see --help"),
        ("away toaster", "no device 'toaster' here, only emizb-141, spm01x"),
        ("battery spm01x 5", "'spm01x' can't be told that"),
        ("battery emizb-141 101", "0 to 100 %, not 101 %"),
        ("replace broken", "a blank or a foreign one, not 'broken'"),
    ],
)
def test_a_wrong_command_is_one_sentence(simulator: Simulator, line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as error:
        told(simulator, line)
    assert "\n" not in str(error.value)


def test_a_command_travels_through_the_socket(tmp_path: Path) -> None:
    async def obey(words: list[str]) -> str:
        if words == ["refuse"]:
            raise ValueError("No.")
        return " ".join(words).upper()

    async def converse() -> str:
        server = await control.serve(tmp_path / "s", obey)
        try:
            with pytest.raises(ValueError, match=r"^No\.$"):
                await asyncio.to_thread(control.ask, tmp_path / "s", ["refuse"])
            return await asyncio.to_thread(control.ask, tmp_path / "s", ["a", "b"])
        finally:
            server.close()

    assert asyncio.run(converse()) == "A B"


def test_a_terminal_comes_and_goes_with_its_link(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def use() -> None:
        terminal = Terminal(tmp_path / "by-id", "123", None)
        terminal.received = heard.append
        await terminal.open()
        assert terminal.path.name.startswith("usb-ITEAD_SONOFF_Zigbee_3.0_USB_Dongle_Plus_V2_123")
        assert stat.S_IMODE(terminal.path.stat().st_mode) == 0o660
        host = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        os.write(host, b"\x1a\xc0\x7e")
        terminal.write(b"\x11\x13\x7e")
        assert os.read(host, 9) == b"\x11\x13\x7e"  # raw: no flow control takes bytes away
        await asyncio.sleep(0.05)
        await terminal.close()
        assert not terminal.path.is_symlink()
        with pytest.raises(OSError, match="Input/output error"):
            os.write(host, b"x")
        os.close(host)

    asyncio.run(use())
    assert b"".join(heard) == b"\x1a\xc0\x7e"


def test_lost_and_spoilt_frames_are_sent_again(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.form()
    host.coordinator.faults.drop = 2  # the acknowledgement and the answer
    with pytest.raises(KeyError):
        host.ask(INIT, u16(0))
    host.clock.run(ACK_TIMEOUT_SECONDS + 0.1)
    before = len(host.frames)
    host.coordinator.poll()
    repeated = [frame for frame in host.frames[before:] if isinstance(frame, ash.Data)]
    assert repeated
    assert all(frame.again for frame in repeated)


def test_a_corrupt_frame_has_a_wrong_crc() -> None:
    faults = Faults(corrupt=1)
    (raw,) = ash.Splitter().feed(faults.outgoing(ash.encode(ash.Data(1, 2, b"abc"))))
    with pytest.raises(ash.AshError):
        ash.decode(raw)
    whole = ash.encode(ash.Ack(1))
    assert faults.outgoing(whole) == whole


def test_a_slow_answer_comes_late_but_comes(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.form()
    host.coordinator.faults.slow = 2.0
    before = len(host.frames)
    host.data(b"\x63\x00\x01" + u16(0x18))
    assert not [f for f in host.frames[before:] if isinstance(f, ash.Data)]
    host.clock.run(2.1)
    assert [f.payload for f in host.frames[before:] if isinstance(f, ash.Data)] == [
        bytes.fromhex("638001180002")
    ]


def test_slow_commands_stay_in_order(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.form()
    before = len(host.frames)
    host.coordinator.faults.slow = 2.0
    host.data(b"\x01\x00\x01" + u16(0x18))
    host.coordinator.faults.clear()
    host.data(b"\x02\x00\x01" + u16(0x18))
    host.clock.run(2.1)
    answers = [frame for frame in host.frames[before:] if isinstance(frame, ash.Data)]
    assert [frame.payload[0] for frame in answers] == [1, 2]


def test_a_crash_is_told_and_the_network_is_down(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.form()
    host.coordinator.crash()
    assert host.frames[-1] == ash.ResetAck(ash.RESET_POWER_ON)
    host.reset()
    assert host.ask(0x18) == b"\0"
    assert host.coordinator.resets == 2


def test_the_unit_runs_what_is_copied() -> None:
    text = on_pi.unit(["zhemi101"], "127.0.0.1:0")
    assert "--device zhemi101 --tcp 127.0.0.1:0" in text
    with tarfile.open(fileobj=io.BytesIO(on_pi.archive(on_pi.sources()))) as tar:
        names = tar.getnames()
    assert "tests/virtual/zigbee/__main__.py" in names
    assert "tests/virtual/meter/simulation.py" in names
