"""What hosts do to a network as a whole: scans, maps, another channel, tests, firmware."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.zigbee_host import INIT, PARAMETERS, SEND, Host
from tests.virtual.zigbee.ezsp.frames import Aps, Parameters
from tests.virtual.zigbee.ezsp.wire import Reader, counted, u8, u16, u32
from tests.virtual.zigbee.zcl.frames import Command, Frame
from tests.virtual.zigbee.zcl.ota import CLUSTER, IMAGE_NOTIFY, QUERY_NEXT_IMAGE, QUERY_RESPONSE

BROADCAST, STATUS, INCOMING, GET_PARAMETERS = 0x36, 0x19, 0x45, 0x28
CHANNEL_CHANGED = b"\x9b"
LQI, ROUTES, UPDATE = 0x0031, 0x0032, 0x0038
SCAN, CHANGE = 2, 0xFE
NO_IMAGE = 0x98
READER, MONITOR = "emizb-141", "spm01x"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host.with_network(tmp_path)


def zdo(host: Host, cluster: int, payload: bytes, name: str = "") -> bytes:
    """Ask a device, or the coordinator itself, and return the answer without its sequence."""
    aps = Aps(0, cluster, 0, 0)
    if name:
        return host.send(host.air.named(name), aps, u8(1) + payload)[1:]
    host.callbacks.clear()
    message = counted(u8(1) + payload)
    assert host.ask(SEND, u8(0) + u16(0) + aps.write() + u8(9) + message)[0] == 0
    host.clock.run(1)
    (found,) = [found for number, found in host.callbacks if number == INCOMING]
    return found[20:]


def parameters(host: Host) -> Parameters:
    fields = Reader(host.ask(GET_PARAMETERS))
    assert (fields.u8(), fields.u8()) == (0, 1)
    return Parameters.read(fields)


def change_channel(host: Host, channel: int, update_id: int) -> None:
    message = counted(u8(1) + u32(1 << channel) + u8(CHANGE, update_id))
    aps = Aps(0, UPDATE, 0, 0).write()
    assert host.ask(BROADCAST, u16(0xFFFF) + aps + u8(30, 9) + message)[0] == 0


@pytest.mark.parametrize("name", ["", MONITOR])
def test_an_energy_scan_tells_of_each_channel(host: Host, name: str) -> None:
    mask = 1 << 11 | 1 << 15 | 1 << 26 | 1 << 3
    answer = Reader(zdo(host, UPDATE, u32(mask) + u8(SCAN, 1), name))
    assert answer.u8() == 0
    assert answer.u32() == mask & ~(1 << 3)
    assert (answer.u16(), answer.u16()) == (0, 0)
    assert len(answer.counted()) == 3 and not answer


@pytest.mark.parametrize(
    ("name", "request_", "status"),
    [
        (READER, u32(1 << 11) + u8(SCAN, 1), 0x84),  # a sleeping device scans nothing
        (MONITOR, u32(1 << 11) + u8(0x42, 1), 0x80),
        ("", u32(3 << 11) + u8(CHANGE, 1), 0x80),  # to two channels at once
    ],
)
def test_what_can_not_be_scanned_or_changed_is_refused(
    host: Host, name: str, request_: bytes, status: int
) -> None:
    assert zdo(host, UPDATE, request_, name)[0] == status
    assert parameters(host).channel == PARAMETERS.channel


def test_a_channel_is_changed_once_and_told_and_kept(host: Host) -> None:
    host.callbacks.clear()
    for _ in range(3):  # as hosts do, for devices that miss one
        change_channel(host, 20, 7)
        host.clock.run(0.5)
    assert parameters(host).channel == PARAMETERS.channel  # everybody is to hear of it first
    host.clock.run(5)
    told = [found for number, found in host.callbacks if number == STATUS]
    assert told == [CHANNEL_CHANGED]
    assert [number for number, _ in host.callbacks if number == INCOMING] == []
    found = parameters(host)
    assert (found.channel, found.update_id) == (20, 7)
    host.reset()
    assert host.ask(INIT, u16(0)) == b"\0"
    assert parameters(host).channel == 20


def test_a_channel_may_be_asked_of_the_coordinator_alone(host: Host) -> None:
    assert zdo(host, UPDATE, u32(1 << 25) + u8(CHANGE, 3))[0] == 0
    host.clock.run(5)
    assert (parameters(host).channel, parameters(host).update_id) == (25, 3)


def test_a_network_map_has_neighbours_and_routes(host: Host) -> None:
    reader, monitor = host.air.named(READER), host.air.named(MONITOR)
    answer = Reader(zdo(host, LQI, u8(0)))
    assert answer.raw(4) == u8(0, 2, 0, 2)
    seen = {}
    for _ in range(2):
        assert answer.raw(8) == PARAMETERS.extended_pan_id
        eui64, address = answer.raw(8), answer.u16()
        seen[eui64] = (address, answer.u8())
        assert answer.raw(3) == u8(0, 1, 255)
    # A child that sleeps, and a router beside.
    assert seen[reader.node.eui64] == (reader.node.address, 2 | 1 << 4)
    assert seen[monitor.node.eui64] == (monitor.node.address, 1 | 1 << 2 | 2 << 4)
    assert zdo(host, LQI, u8(1))[:4] == u8(0, 2, 1, 1)
    route = u16(monitor.node.address) + u8(0) + u16(monitor.node.address)
    assert zdo(host, ROUTES, u8(0)) == u8(0, 1, 0, 1) + route


def test_a_router_tells_of_its_coordinator_and_a_sleeping_device_of_nobody(host: Host) -> None:
    answer = zdo(host, LQI, u8(0), MONITOR)
    assert answer[:4] == u8(0, 1, 0, 1)
    assert answer[12:20] == host.coordinator.stack.eui64
    assert zdo(host, ROUTES, u8(0), MONITOR) == u8(0, 1, 0, 1) + u16(0) + u8(1 << 4) + u16(0)
    assert zdo(host, LQI, u8(0), READER) == u8(0x84)
    assert zdo(host, ROUTES, u8(0), READER) == u8(0x84)


def test_the_radio_is_set_to_a_channel_at_once(host: Host) -> None:
    assert host.ask(0xB9, u8(22)) == b"\0"
    assert host.ask(0xBA) == u8(22)
    assert parameters(host).channel == 22
    assert host.ask(0xB9, u8(9)) == b"\x8b"
    assert host.ask(0xE2) == b""  # gpSinkTableClearAll


def test_the_radio_is_tested_without_a_network_only(host: Host) -> None:
    start, end, channel = 0x83, 0x84, 0x8A
    assert host.ask(start, u8(1)) == b"\x70"
    host.reset()  # the network is down until it is started again
    assert host.ask(channel, u8(15)) == b"\x70"
    assert host.ask(start, u8(1)) == b"\0"
    assert host.ask(start, u8(1)) == b"\x70"
    assert host.ask(channel, u8(15)) == b"\0"
    assert host.ask(channel, u8(10)) == b"\x8b"
    assert host.ask(0x8B) == u8(15)
    assert host.ask(end) == b"\0"
    assert host.ask(end) == b"\x70"


@pytest.mark.parametrize(("name", "endpoint", "maker"), [(READER, 2, 0x1015), (MONITOR, 1, 0x1216)])
def test_a_device_that_is_told_of_an_image_asks_and_takes_a_no(
    host: Host, name: str, endpoint: int, maker: int
) -> None:
    device, aps = host.air.named(name), Aps(0x0104, CLUSTER, 1, endpoint)
    notify = Frame(5, IMAGE_NOTIFY, u8(0, 100), cluster_specific=True, from_server=True)
    asked = Frame.read(host.send(device, aps, notify.write()))
    assert (asked.command, asked.cluster_specific, asked.from_server) == (
        QUERY_NEXT_IMAGE,
        True,
        False,
    )
    fields = Reader(asked.payload)
    assert (fields.u8(), fields.u16(), fields.u16()) == (0, maker, device.model.image[0])
    assert fields.u32() == device.model.image[1] and not fields
    no = Frame(5, QUERY_RESPONSE, u8(NO_IMAGE), cluster_specific=True, from_server=True)
    answer = Frame.read(host.send(device, aps, no.write()))
    assert (answer.command, answer.payload) == (Command.DEFAULT_RESPONSE, u8(QUERY_RESPONSE, 0))


def test_the_monitor_reports_by_itself_until_it_is_told_otherwise(host: Host) -> None:
    monitor = host.air.named(MONITOR)

    def reports(seconds: int) -> list[tuple[int, int]]:
        """Let time pass; return cluster and first attribute of what the monitor has sent."""
        host.callbacks.clear()
        begin = round(host.clock.now)
        for second in range(begin + 1, begin + 1 + seconds):
            host.house.run_to(second)
            host.clock.run(second - host.clock.now)
            host.air.tick()
        found = []
        for number, message in host.callbacks:
            if number == INCOMING and message[14:16] == u16(monitor.node.address):
                cluster = int.from_bytes(message[3:5], "little")
                payload = Frame.read(message[19:]).payload
                found.append((cluster, int.from_bytes(payload[:2], "little")))
        return found

    assert monitor.node.bindings == []
    told = reports(61)
    assert {cluster for cluster, _ in told} == {0x0702, 0x0B04}
    assert told.count((0x0702, 0x0000)) >= 5  # energy goes on: as often as it may
    never = u8(0) + u16(0x0000) + u8(0x25) + u16(0, 0xFFFF) + bytes(6)
    configure = Frame(7, Command.CONFIGURE_REPORTING, never).write()
    assert host.send(monitor, Aps(0x0104, 0x0702, 1, 1), configure)[-1] == 0
    assert (0x0702, 0x0000) not in reports(61)
    host.air.press(monitor)
    assert reports(20) == []
