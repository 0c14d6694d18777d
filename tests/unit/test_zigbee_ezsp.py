"""EZSP frames and commands. The golden bytes were recorded from bellows 1.1.0's v13 schemas."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.unit.zigbee_host import EVERYBODY, INIT, NETWORK_KEY, PARAMETERS, SEND, Host
from tests.virtual.zigbee import ash, network
from tests.virtual.zigbee.ezsp import frames
from tests.virtual.zigbee.ezsp.frames import Aps, Parameters
from tests.virtual.zigbee.ezsp.wire import Reader, counted, eui64, eui64_text, u8, u16, u32

APS = Aps(0x0104, 0x0702, 1, 2, 0x0140, 0, 7)
STATUS, JOIN, SENT, SCANNED, SCAN_DONE = 0x19, 0x24, 0x3F, 0x48, 0x1C
GET_PARAMETERS, GET_EUI64, LEAVE, FACTORY_RESET = 0x28, 0x26, 0x20, 0x77
GET_TOKEN, SET_TOKEN, SET_VALUE, KEY_INFO, STATE = 0x102, 0x103, 0xAB, 0x116, 0x18


@pytest.fixture
def host(tmp_path: Path) -> Host:
    found = Host(tmp_path)
    found.coordinator.power_up()
    return found


def test_a_unicast_is_read_as_bellows_writes_it() -> None:
    golden = "0000013400003412040102070102400100000709051001000004"
    command = frames.read_command(bytes.fromhex(golden))
    assert (command.sequence, command.id, command.legacy) == (0, SEND, False)
    fields = Reader(command.parameters)
    assert (fields.u8(), fields.u16(), Aps.read(fields)) == (0, 0x1234, APS)
    assert (fields.u8(), fields.counted().hex()) == (9, "1001000004")


def test_forming_is_read_as_bellows_writes_it() -> None:
    golden = "0000011e0044332211ddccbbaa621a080f0000000000f8ff07"
    command = frames.read_command(bytes.fromhex(golden))
    wanted = Parameters.read(Reader(command.parameters))
    assert eui64_text(wanted.extended_pan_id) == "aa:bb:cc:dd:11:22:33:44"
    assert (wanted.pan_id, wanted.channel, wanted.channels) == (0x1A62, 15, 0x07FFF800)
    assert wanted.write().hex() == golden[10:]


def test_an_incoming_message_is_written_as_bellows_reads_it() -> None:
    golden = "000401020701024001000007ffd83412ffff0318010a"
    found = frames.incoming_message(0, APS, 0x1234, bytes.fromhex("18010a"))
    assert found.hex() == golden


def test_the_version_is_agreed_on_before_anything_else(host: Host) -> None:
    host.put(ash.Reset())
    host.data(u8(7, 0, 0, 4))
    assert isinstance(host.frames[-1], ash.Data)
    assert host.frames[-1].payload.hex() == "0780000d024074"
    host.data(u8(8, 0, 1) + u16(GET_EUI64))
    assert isinstance(host.frames[-1], ash.Data)
    assert host.frames[-1].payload.hex() == "088001580030"  # invalidCommand: version not set


def test_an_unknown_command_is_refused_and_told(host: Host) -> None:
    host.reset()
    host.data(u8(99, 0, 1) + u16(0x0999))
    assert isinstance(host.frames[-1], ash.Data)
    assert host.frames[-1].payload.hex() == "638001580031"
    assert "0x0999" in host.told[-1]


def test_a_command_that_is_cut_off_is_refused(host: Host) -> None:
    host.reset()
    host.data(u8(98, 0, 1) + u16(SEND) + b"\0")
    assert isinstance(host.frames[-1], ash.Data)
    assert host.frames[-1].payload.hex() == "628001580036"


def test_a_network_is_formed_and_survives_reset_and_restart(host: Host, tmp_path: Path) -> None:
    host.reset()
    assert host.ask(INIT, u16(0)) == b"\x93"  # a blank dongle is not joined
    host.form()
    assert (STATUS, b"\x90") in host.callbacks
    assert host.ask(GET_PARAMETERS) == b"\0\x01" + PARAMETERS.write()
    host.reset()
    assert host.ask(STATE) == b"\0"
    again = Host(tmp_path)
    again.reset()
    assert again.ask(INIT, u16(0)) == b"\0"
    again.clock.run(0.1)
    assert again.ask(GET_PARAMETERS) == b"\0\x01" + PARAMETERS.write()


def test_a_frame_counter_is_ahead_after_a_restart(host: Host, tmp_path: Path) -> None:
    host.form()
    for _ in range(5):
        host.coordinator.stack.count()
    used = host.coordinator.stack.flash.nwk_counter
    assert network.load(tmp_path / "dongle.json").nwk_counter > used


def test_leaving_forgets_the_network(host: Host) -> None:
    host.form()
    assert host.ask(LEAVE) == b"\0"
    host.clock.run(0.1)
    assert host.callbacks[-1] == (STATUS, b"\x91")
    assert host.ask(INIT, u16(0)) == b"\x93"


def test_the_address_can_be_rewritten(host: Host) -> None:
    host.reset()
    assert host.ask(GET_TOKEN, u32(0xE12A, 0)) == b"\0" + u32(8) + EVERYBODY
    wanted = eui64("00:11:22:33:44:55:66:77")
    assert host.ask(SET_TOKEN, u32(0xE12A, 0, 8) + wanted) == b"\0"
    assert host.ask(GET_EUI64) != wanted  # not before a reset
    host.reset()
    assert host.ask(GET_EUI64) == wanted


def test_counters_are_written_while_the_network_is_down(host: Host) -> None:
    host.reset()
    assert host.ask(SET_VALUE, u8(0x23) + counted(u32(5_000))) == b"\0"
    host.form()
    assert host.ask(KEY_INFO)[-4:] == u32(5_000)
    assert host.ask(SET_VALUE, u8(0x23) + counted(u32(1))) == b"\x38"


def test_an_energy_scan_ends(host: Host) -> None:
    host.reset()
    assert host.ask(0x1A, u8(0) + u32(0x07FFF800) + u8(4)) == b"\0"
    host.clock.run(0.1)
    assert [number for number, _ in host.callbacks] == [SCANNED] * 16 + [SCAN_DONE]


def test_a_message_to_nobody_fails_in_the_end(host: Host) -> None:
    host.form()
    host.callbacks.clear()
    host.ask(SEND, u8(0) + u16(0x4321) + APS.write() + u8(9) + counted(b"x"))
    host.clock.run(5)
    ((number, parameters),) = host.callbacks
    assert (number, parameters[-2:].hex()) == (SENT, "6600")  # delivery failed


def test_the_coordinator_answers_for_itself(host: Host) -> None:
    host.reset()
    endpoint = u8(1) + u16(0x0104, 5) + u8(0, 2, 1) + u16(0, 6, 0x19)
    assert host.ask(0x02, endpoint) == b"\0"
    security = u16(0x0B44) + bytes(16) + NETWORK_KEY + u8(0) + bytes(8)
    host.ask(0x68, security)
    host.ask(0x1E, PARAMETERS.write())
    host.clock.run(0.1)
    host.callbacks.clear()
    request = Aps(0, 0x0005, 0, 0)
    host.ask(SEND, u8(0) + u16(0) + request.write() + u8(1) + counted(u8(0x55) + u16(0)))
    host.clock.run(0.1)
    assert [number for number, _ in host.callbacks] == [SENT, 0x45]
    assert host.callbacks[1][1][-6:].hex() == "550000000101"  # one endpoint: 1


def test_another_dongle_is_blank_or_of_another_network(host: Host) -> None:
    dice = random.Random(1)
    blank = network.another(host.coordinator.stack.flash, dice)
    assert blank.network is None
    assert blank.factory_eui64 != network.FACTORY_EUI64
    foreign = network.foreign(host.coordinator.stack.flash, dice)
    host.dongle(foreign)
    host.reset()
    assert host.ask(INIT, u16(0)) == b"\0"


def test_a_damaged_flash_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "dongle.json").write_text("{}")
    with pytest.raises(ValueError, match="damaged: remove it"):
        network.load(tmp_path / "dongle.json")
