"""A host's side of ASH and EZSP for tests: just enough to ask the simulated coordinator things."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from pathlib import Path

from tests.virtual.zigbee import ash
from tests.virtual.zigbee.air import Air
from tests.virtual.zigbee.coordinator import Coordinator
from tests.virtual.zigbee.devices.device import Device
from tests.virtual.zigbee.devices.din_rail import spm01x
from tests.virtual.zigbee.devices.meter_reader import emizb_141
from tests.virtual.zigbee.ezsp.frames import Aps, Parameters
from tests.virtual.zigbee.ezsp.wire import counted, u8, u16, u32
from tests.virtual.zigbee.house import House
from tests.virtual.zigbee.network import Flash, load, save

VERSION, PERMIT, FORM, SECURITY, SEND = 0x00, 0x22, 0x1E, 0x68, 0x34
INIT, SET_POLICY, IMPORT_TRANSIENT = 0x17, 0x55, 0x111
PARAMETERS = Parameters(bytes(range(8)), 0x1A62, 8, 15, 0, 0, 0, 0x07FFF800)
NETWORK_KEY = bytes(range(16))
EVERYBODY = b"\xff" * 8


class Clock:
    """Time that passes when it is told to, and does what was planned meanwhile."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = count()
        self._plans: list[tuple[float, int, Callable[[], None]]] = []

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._plans, (self.now + seconds, next(self._order), action))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._plans and self._plans[0][0] <= end:
            self.now, _, action = heapq.heappop(self._plans)
            action()
        self.now = end


class Host:
    """A dongle with the reader and the monitor near it, and a host that speaks to it."""

    def __init__(self, folder: Path, watts: str = "3600") -> None:
        self.clock = Clock()
        self.house = House(load=watts, counter_file=folder / "counter.json")
        self.air = Air(self.clock.later, lambda: self.clock.now, folder / "devices.json")
        for model in (emizb_141(self.house), spm01x(self.house)):
            self.air.devices.append(Device(model, self.air.save))
        self.folder = folder
        self.told: list[str] = []
        self.frames: list[ash.Frame] = []
        self.callbacks: list[tuple[int, bytes]] = []
        self._splitter = ash.Splitter()
        self._sequence = 0
        self._out = 0
        self._in = 0
        self._answers: dict[int, tuple[int, bytes]] = {}
        self.coordinator = self.dongle(load(folder / "dongle.json"))
        self.air.load()

    @classmethod
    def with_network(cls, folder: Path) -> Host:
        """Return one whose network is formed and whose devices have joined."""
        found = cls(folder)
        found.form()
        found.pair()
        return found

    def dongle(self, flash: Flash) -> Coordinator:
        """Put a dongle in."""
        self.coordinator = Coordinator(
            flash,
            self.air,
            write=self.receive,
            later=self.clock.later,
            now=lambda: self.clock.now,
            keep=lambda kept: save(self.folder / "dongle.json", kept),
            tell=self.told.append,
        )
        return self.coordinator

    def receive(self, data: bytes) -> None:
        """Take the coordinator's bytes, acknowledge and sort them."""
        for raw in self._splitter.feed(data):
            frame = ash.decode(raw)
            self.frames.append(frame)
            if isinstance(frame, ash.Data):
                if frame.number != self._in:
                    continue
                self._in = (self._in + 1) % 8
                number = int.from_bytes(frame.payload[3:5], "little")
                if frame.payload[1] & 0x10:
                    self.callbacks.append((number, frame.payload[5:]))
                elif frame.payload[2] == 0x01:
                    self._answers[frame.payload[0]] = (number, frame.payload[5:])
                else:
                    self._answers[frame.payload[0]] = (frame.payload[2], frame.payload[3:])
                self.put(ash.Ack(self._in))

    def put(self, frame: ash.Frame) -> None:
        """Send an ASH frame."""
        self.coordinator.feed(ash.encode(frame))

    def reset(self) -> None:
        """Reset the coordinator and agree on the version."""
        self._out = self._in = 0
        self.coordinator.feed(bytes((ash.CANCEL,)) * 32 + ash.encode(ash.Reset()))
        self.data(u8(0, 0, VERSION, 4))
        self.ask(VERSION, u8(13))

    def data(self, payload: bytes) -> None:
        """Send one EZSP frame."""
        number, self._out = self._out, (self._out + 1) % 8
        self.put(ash.Data(number, self._in, payload))

    def ask(self, command: int, parameters: bytes = b"") -> bytes:
        """Give a command and return its answer's parameters."""
        self._sequence = (self._sequence + 1) % 256
        self._answers.clear()
        self.data(u8(self._sequence, 0, 1) + u16(command) + parameters)
        number, found = self._answers[self._sequence]
        assert number == command, f"answered with 0x{number:02X}: {found.hex()}"
        return found

    def form(self) -> None:
        """Form a network."""
        self.reset()
        security = u16(0x0B44) + bytes(16) + NETWORK_KEY + u8(0) + bytes(8)
        assert self.ask(SECURITY, security) == b"\0"
        assert self.ask(FORM, PARAMETERS.write()) == b"\0"
        self.clock.run(0.1)

    def pair(self) -> None:
        """Let the devices join."""
        assert self.ask(SET_POLICY, u8(0, 0x03)) == b"\0"
        assert self.ask(IMPORT_TRANSIENT, EVERYBODY + bytes(16) + u8(0)) == u32(0)
        assert self.ask(PERMIT, u8(60)) == b"\0"
        self.clock.run(3)

    def send(self, device: Device, aps: Aps, message: bytes, tag: int = 1) -> bytes:
        """Send to a device and return its answer, without the ZCL or ZDO sequence's meaning."""
        self.callbacks.clear()
        parameters = u8(0) + u16(device.node.address) + aps.write() + u8(tag) + counted(message)
        assert self.ask(SEND, parameters)[0] == 0
        self.clock.run(2)
        incoming = [found for number, found in self.callbacks if number == 0x45]
        return incoming[0][19:] if incoming else b""
