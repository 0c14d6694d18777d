"""The simulated devices: joining, interview, binding, reporting, and what they report."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.zigbee_host import Host
from tests.virtual.zigbee.devices.device import Device
from tests.virtual.zigbee.ezsp.frames import Aps
from tests.virtual.zigbee.ezsp.wire import u8, u16
from tests.virtual.zigbee.zcl.frames import Frame
from tests.virtual.zigbee.zcl.reporting import Reporting, Setting

JOIN, INCOMING = 0x24, 0x45
METERING = Aps(0x0104, 0x0702, 1, 2)
DEVELCO = 0x1015
SUMMATION = u8(0) + u16(0x0000) + u8(0x25) + u16(5, 900) + (1).to_bytes(6, "little")


def zdo(cluster: int) -> Aps:
    return Aps(0, cluster, 0, 0)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host.with_network(tmp_path)


@pytest.fixture
def reader(host: Host) -> Device:
    return host.air.named("emizb-141")


def bind(host: Host, device: Device, endpoint: int, cluster: int) -> bytes:
    target = host.coordinator.stack.eui64
    request = u8(1) + device.node.eui64 + u8(endpoint) + u16(cluster) + u8(3) + target + u8(1)
    return host.send(device, zdo(0x0021), request)


def live(host: Host, seconds: int, name: str = "emizb-141") -> list[bytes]:
    """Let time pass with a look at the devices every second; return a device's messages."""
    host.callbacks.clear()
    begin = round(host.clock.now)
    for second in range(begin + 1, begin + 1 + seconds):
        host.house.run_to(second)
        host.clock.run(second - host.clock.now)
        host.air.tick()
    sender = u16(host.air.named(name).node.address)
    return [f[19:] for number, f in host.callbacks if number == INCOMING and f[14:16] == sender]


def test_devices_join_an_open_network_and_announce_themselves(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.form()
    host.pair()
    joins = [found for number, found in host.callbacks if number == JOIN]
    assert [found.hex() for found in joins] == [
        "001a5c01101b00bc150001000000",  # as bellows 1.1.0 reads trustCenterJoinHandler
        "011a0cc28dfeff47b66001000000",
    ]
    announced = [found for number, found in host.callbacks if number == INCOMING]
    assert [found[0] for found in announced] == [4, 4]  # broadcasts


def test_a_closed_network_or_one_without_key_admits_nobody(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.form()
    host.ask(0x22, u8(60))  # opened, but neither policy nor key allow it
    host.clock.run(3)
    assert all(device.membership is None for device in host.air.devices)
    denied = [found for number, found in host.callbacks if number == JOIN]
    assert [found[11] for found in denied] == [2, 2]


def test_the_interview_finds_the_real_readers_endpoints(host: Host, reader: Device) -> None:
    assert host.send(reader, zdo(0x0005), u8(1) + u16(0)).hex() == "0100001a020102"
    simple = host.send(reader, zdo(0x0004), u8(2) + u16(0) + u8(2))
    assert simple.hex() == ("0200001a1c0204015300000700000100030020000207010b050b0303000a001900")
    node = host.send(reader, zdo(0x0002), u8(3) + u16(0))
    assert node.hex() == "0300001a024080151052dc05002cdc0500"
    assert host.send(reader, zdo(0x0004), u8(2) + u16(0) + u8(9)).hex() == "0283001a00"


def test_attributes_are_read_and_unknown_ones_refused(host: Host, reader: Device) -> None:
    asked = Frame(9, 0x00, u16(0x0300, 0x0302, 0x0777)).write()
    found = host.send(reader, METERING, asked)
    assert found.hex() == "180901000300300002030022e80300770786"


def test_the_makers_attributes_need_its_code(host: Host, reader: Device) -> None:
    found = host.send(reader, METERING, Frame(9, 0x00, u16(0x0300), manufacturer=DEVELCO).write())
    assert found.hex() == "1c15100901000300" + "21e803"


def test_a_meter_of_another_constant_is_read_right(host: Host, reader: Device) -> None:
    host.house.run_to(10)
    write = Frame(1, 0x02, u16(0x0300) + u8(0x21) + u16(500), manufacturer=DEVELCO).write()
    assert host.send(reader, METERING, write)[-1:] == b"\0"
    host.house.run_to(20)
    read = host.send(reader, METERING, Frame(2, 0x00, u16(0x0000, 0x0400)).write())
    # 10 Wh until then, and 10 pulses of 2 Wh each; a pulse each second is 7200 W.
    assert read.hex() == "180201" + "000000251e0000000000" + "0004002a201c00"
    wrong = Frame(1, 0x02, u16(0x0300) + u8(0x21) + u16(49), manufacturer=DEVELCO).write()
    assert host.send(reader, METERING, wrong)[-3:].hex() == "870003"


def test_reports_follow_binding_and_setting(host: Host, reader: Device) -> None:
    assert host.send(reader, METERING, Frame(1, 0x06, SUMMATION).write())[-1:] == b"\0"
    assert live(host, 10) == []  # configured, but bound to nobody
    assert bind(host, reader, 2, 0x0702)[-1:] == b"\0"
    values = [int.from_bytes(found[-6:], "little") for found in live(host, 31)]
    assert len(values) == 7  # one pulse a second, a report at most every 5 s
    assert values == sorted(values)
    assert values[-1] <= host.house.pulses


def test_reporting_is_read_back_and_survives_a_restart(
    host: Host, reader: Device, tmp_path: Path
) -> None:
    host.send(reader, METERING, Frame(1, 0x06, SUMMATION).write())
    bind(host, reader, 2, 0x0702)
    again = Host(tmp_path)
    again.reset()
    again.ask(0x17, u16(0))
    again.clock.run(0.1)
    asked = Frame(2, 0x08, u8(0) + u16(0)).write()
    found = again.send(again.air.named("emizb-141"), METERING, asked)
    assert found.hex() == "180209" + "00000000250500840301000000" + "0000"
    assert len(live(again, 10)) == 2


def test_no_energy_is_lost_while_the_reader_is_away(host: Host, reader: Device) -> None:
    host.send(reader, METERING, Frame(1, 0x06, SUMMATION).write())
    bind(host, reader, 2, 0x0702)
    before = live(host, 10)[-1]
    host.air.move(reader, in_range=False)
    assert live(host, 1_000) == []
    host.air.move(reader, in_range=True)
    assert [found[10] for number, found in host.callbacks if number == JOIN] == [0]  # rejoined
    last = live(host, 6)[-1]
    assert int.from_bytes(last[-6:], "little") - int.from_bytes(before[-6:], "little") >= 1_000
    assert int.from_bytes(last[-6:], "little") in range(
        host.house.pulses - 5, host.house.pulses + 1
    )


def test_a_device_that_is_away_does_not_answer(host: Host, reader: Device) -> None:
    host.air.move(reader, in_range=False)
    assert host.send(reader, METERING, Frame(9, 0x00, u16(0)).write()) == b""


def test_a_device_leaves_when_told(host: Host, reader: Device) -> None:
    host.send(reader, zdo(0x0034), u8(1) + bytes(8) + u8(0))
    assert reader.membership is None
    assert [found[10] for number, found in host.callbacks if number == JOIN] == [2]


def test_a_counter_that_was_set_back_is_not_heard(host: Host, reader: Device) -> None:
    host.send(reader, METERING, Frame(9, 0x00, u16(0)).write())
    host.coordinator.stack.flash.nwk_counter = 0
    assert host.send(reader, METERING, Frame(9, 0x00, u16(0)).write()) == b""
    host.coordinator.stack.flash.nwk_counter = 5_000
    assert host.send(reader, METERING, Frame(9, 0x00, u16(0)).write()) != b""


def test_the_monitor_measures_power_voltage_current_and_energy(host: Host) -> None:
    monitor = host.air.named("spm01x")
    host.house.run_to(100)
    electrical = Aps(0x0104, 0x0B04, 1, 1)
    read = host.send(monitor, electrical, Frame(9, 0x00, u16(0x050B, 0x0505, 0x0508)).write())
    assert int.from_bytes(read[7:9], "little") == 3_600
    assert int.from_bytes(read[13:15], "little") == 22_856  # 230 V less 3600 W * 0.4 mV/W
    assert int.from_bytes(read[19:21], "little") == 1_575
    energy = host.send(monitor, Aps(0x0104, 0x0702, 1, 1), Frame(9, 0x00, u16(0)).write())
    assert int.from_bytes(energy[-6:], "little") == 10  # 0.10 kWh


def test_a_report_can_be_had_before_its_longest_interval_is_over(
    host: Host, reader: Device
) -> None:
    rare = u8(0) + u16(0x0000) + u8(0x25) + u16(3_600, 10_800) + (1).to_bytes(6, "little")
    host.send(reader, METERING, Frame(1, 0x06, rare).write())
    bind(host, reader, 2, 0x0702)
    assert live(host, 60) == []
    reader.hurry()
    (told,) = live(host, 60)
    assert int.from_bytes(told[-6:], "little") in range(host.house.pulses - 60, host.house.pulses)


def test_a_change_is_told_after_the_shortest_and_silence_ends_after_the_longest() -> None:
    reporting = Reporting(Setting(0x2A, 5, 30, 100), 1_000, 0.0)
    assert not reporting.due(2_000, 4.9)
    assert reporting.due(2_000, 5.0)
    assert not reporting.due(1_099, 29.9)
    assert reporting.due(1_100, 5.0)
    assert reporting.due(900, 5.0)
    assert reporting.due(1_000, 30.0)
    reporting.told(2_000, 5.0)
    assert not reporting.due(2_099, 20.0)
