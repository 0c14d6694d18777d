"""The simulation as it runs: clock, ports, dongle, house, devices, and the switches on them."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tests.virtual.zigbee import network
from tests.virtual.zigbee.air import Air
from tests.virtual.zigbee.coordinator import Coordinator
from tests.virtual.zigbee.devices.device import Device, Model
from tests.virtual.zigbee.devices.din_rail import SPM01X, spm01x
from tests.virtual.zigbee.devices.meter_reader import EMIZB_141, ZHEMI101, emizb_141, zhemi101
from tests.virtual.zigbee.house import House
from tests.virtual.zigbee.link import Port

MODELS: dict[str, Callable[[House], Model]] = {
    EMIZB_141: emizb_141,
    ZHEMI101: zhemi101,
    SPM01X: spm01x,
}
TICK_SECONDS = 0.25
UNPLUGGED_SECONDS = 1.0  # while one dongle is taken out and another put in
FLASH = "dongle.json"
DEVICES = "devices.json"
COUNTER = "counter.json"


class Simulator:
    """Everything together; it lives in one asyncio loop."""

    def __init__(
        self, house: House, models: list[str], state: Path, tell: Callable[[str], None]
    ) -> None:
        """Raise ValueError with one sentence when the state can't be read."""
        self.house = house
        self.ports: list[Port] = []
        self.plugged = False
        self._state = state
        self._tell = tell
        self._begin = time.monotonic()
        self._active: Port | None = None
        self._air = Air(self._later, time.monotonic, state / DEVICES)
        self._air.devices.extend(Device(MODELS[name](house), self._air.save) for name in models)
        self._coordinator = self._dongle(network.load(state / FLASH))
        self._air.load()

    def received(self, port: Port, data: bytes) -> None:
        """Take bytes from a host; answers go where the last bytes came from."""
        self._active = port
        if self.plugged:
            self._coordinator.feed(data)

    async def run(self, stop: asyncio.Event) -> None:
        """Plug in and go on until told to stop."""
        await self.plug()
        try:
            while not stop.is_set():
                self.tick()
                await asyncio.sleep(TICK_SECONDS)
        finally:
            await self.unplug()
            self._air.save()
            self._coordinator.stack.save()

    def tick(self) -> None:
        """Let the house and the devices catch up with the clock."""
        self.house.run_to(time.monotonic() - self._begin)
        if self.plugged:
            self._coordinator.poll()
            self._air.tick()

    async def plug(self) -> None:
        """Put the dongle in."""
        if not self.plugged:
            self._coordinator.power_up()
            self.plugged = True
            for port in self.ports:
                await port.open()

    async def unplug(self) -> None:
        """Pull the dongle out."""
        self.plugged = False
        for port in self.ports:
            await port.close()
        self._coordinator.stack.reboot()

    async def replace(self, kind: str) -> None:
        """Put another dongle in: a ``blank`` one, or one of a ``foreign`` network."""
        makers = {"blank": network.another, "foreign": network.foreign}
        if kind not in makers:
            raise ValueError(f"A dongle is exchanged for a blank or a foreign one, not '{kind}'.")
        await self.unplug()
        flash = makers[kind](self._coordinator.stack.flash, random.Random())
        self._coordinator = self._dongle(flash)
        self._coordinator.stack.save()
        await asyncio.sleep(UNPLUGGED_SECONDS)
        await self.plug()

    async def obey(self, words: list[str]) -> str:
        """Do what the control socket was told. Raises ValueError with one sentence."""
        match words:
            case ["status"]:
                return self.status()
            case ["unplug"]:
                await self.unplug()
            case ["plug"]:
                await self.plug()
            case ["replace", kind]:
                await self.replace(kind)
            case ["mend" | "corrupt" | "drop" | "deaf" | "slow" | "ash-error" | "crash", *rest]:
                self._spoil(words[0], rest)
            case ["away" | "back" | "press" | "report" | "battery", name, *rest]:
                self._handle(words[0], self._air.named(name), rest)
            case _:
                raise ValueError(f"'{' '.join(words)}' is no command here; see --help.")
        self._tell(f"Done: {' '.join(words)}.")
        return "ok"

    def _spoil(self, fault: str, rest: list[str]) -> None:
        faults = self._coordinator.faults
        match fault, rest:
            case "mend", []:
                faults.clear()
            case "ash-error", []:
                self._coordinator.session.fail()
            case "crash", []:
                self._coordinator.crash()
            case "slow", [seconds]:
                faults.slow = _seconds(seconds)
            case (("corrupt" | "drop" | "deaf"), [count]):
                setattr(faults, fault, _whole(count))
            case _:
                raise ValueError(f"'{fault}' does not go with '{' '.join(rest)}'; see --help.")

    def _handle(self, what: str, device: Device, rest: list[str]) -> None:
        match what, rest:
            case (("away" | "back"), []):
                self._air.move(device, in_range=what == "back")
            case "press", []:
                self._air.press(device)
            case "report", []:
                device.hurry()
            case _, [value] if what in device.model.controls:
                device.model.controls[what](_whole(value))
            case _:
                raise ValueError(f"Device '{device.name}' can't be told that; see --help.")

    def status(self) -> str:
        """Return what is so now, as JSON on one line."""
        stack = self._coordinator.stack
        held = stack.flash.network
        return json.dumps(
            {
                "plugged": self.plugged,
                "eui64": network.eui64_text(stack.flash.eui64()),
                "network": held and {"pan_id": held.pan_id, "channel": held.channel},
                "up": stack.memory.up,
                "test_channel": stack.memory.test,
                "host": self._coordinator.session.connected,
                "resets": self._coordinator.resets,
                "faults": asdict(self._coordinator.faults),
                "pulses": self.house.pulses,
                "watts": round(self.house.watts, 1),
                "devices": {
                    device.name: {
                        "joined": device.membership is not None
                        and device.membership == stack.membership(),
                        "paired": device.membership is not None,
                        "in_range": device.in_range,
                        "address": device.node.address,
                    }
                    for device in self._air.devices
                },
            }
        )

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, action)

    def _dongle(self, flash: network.Flash) -> Coordinator:
        return Coordinator(
            flash,
            self._air,
            write=self._write,
            later=self._later,
            now=time.monotonic,
            keep=lambda kept: network.save(self._state / FLASH, kept),
            tell=self._tell,
        )

    def _write(self, data: bytes) -> None:
        if self._active is not None and self.plugged:
            self._active.write(data)


def _whole(text: str) -> int:
    if not text.isdigit():
        raise ValueError(f"'{text}' is no whole number.")
    return int(text)


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 60:
        raise ValueError(f"A delay is a number of seconds from 0 to 60, not '{text}'.")
    return found
