"""What is between the coordinator and its devices: who hears whom, and how long it takes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from tests.virtual.zigbee import zdo
from tests.virtual.zigbee.devices.device import Device, Membership, Message
from tests.virtual.zigbee.ezsp.frames import Aps
from tests.virtual.zigbee.ezsp.ids import COORDINATOR
from tests.virtual.zigbee.ezsp.wire import eui64
from tests.virtual.zigbee.management import Neighbour, Relation, Route

LATENCY_SECONDS = 0.02
GIVE_UP_SECONDS = 1.5  # retries to a device that is away
JOIN_SECONDS = 0.5  # until a searching device finds an open network
FIRST_ADDRESS = 0x1A00

Later = Callable[[float, Callable[[], None]], None]


class Coordinator(Protocol):
    """What devices need of their coordinator."""

    def membership(self) -> Membership | None:
        """Return the network that is up; None while there is none."""

    def counter(self) -> int:
        """Return the frame counter of the next frame that it sends."""

    def address(self) -> bytes:
        """Return its EUI64."""

    def is_open(self) -> bool:
        """Whether devices may join now."""

    def admit(self, device: Device) -> bool:
        """Let a device join, or refuse it."""

    def heard(self, address: int, message: Message, *, broadcast: bool = False) -> None:
        """Take a message from a device."""

    def joined(self, device: Device, *, again: bool) -> None:
        """Take note of a new member, or of one that has rejoined."""

    def left(self, device: Device, address: int) -> None:
        """Take note of a member that has left."""


class Air:
    """The devices, and the coordinator once there is one (``coordinator``)."""

    coordinator: Coordinator

    def __init__(self, later: Later, now: Callable[[], float], memory: Path | None) -> None:
        self.devices: list[Device] = []
        self._later = later
        self._now = now
        self._memory = memory

    def save(self) -> None:
        """Keep what the devices remember, in one step."""
        if self._memory is None:
            return
        kept = {device.name: device.remember() for device in self.devices}
        temporary = self._memory.with_name(f"{self._memory.name}.new")
        temporary.write_text(json.dumps(kept, indent=1), encoding="ascii")
        os.replace(temporary, self._memory)

    def load(self) -> None:
        """Give the devices their memory back. Raises ValueError with one sentence."""
        if self._memory is None or not self._memory.exists():
            return
        try:
            kept = json.loads(self._memory.read_text(encoding="ascii"))
            for device in self.devices:
                if device.name in kept:
                    device.recall(kept[device.name], self._now())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = (
                f"The devices' memory {self._memory} is damaged: remove it and pair them again."
            )
            raise ValueError(message) from error

    def named(self, name: str) -> Device:
        """Return the device of that name. Raises ValueError with one sentence."""
        for device in self.devices:
            if device.name == name:
                return device
        known = ", ".join(device.name for device in self.devices)
        raise ValueError(f"There is no device '{name}' here, only {known}.")

    def neighbours(self) -> list[Neighbour]:
        """Return who the coordinator hears."""
        return [
            Neighbour(
                self._extended_pan_id(),
                device.node.eui64,
                device.node.address,
                device.node.descriptor.kind,
                awake=device.node.descriptor.kind == zdo.ROUTER,
                relation=Relation.SIBLING
                if device.node.descriptor.kind == zdo.ROUTER
                else Relation.CHILD,
                depth=1,
            )
            for device in self.devices
            if self.heard_of(device)
        ]

    def routes(self) -> list[Route]:
        """Return the coordinator's routes: to routers, each its own next hop."""
        return [
            Route(device.node.address, device.node.address)
            for device in self.devices
            if self.heard_of(device) and device.node.descriptor.kind == zdo.ROUTER
        ]

    def _extended_pan_id(self) -> bytes:
        member = self.coordinator.membership()
        return bytes(8) if member is None else eui64(member.extended_pan_id)

    def _tell_surroundings(self, device: Device) -> None:
        """Let a device know who it hears: the coordinator, its parent and the end of its route."""
        place, address = self._extended_pan_id(), self.coordinator.address()
        parent = Neighbour(
            place,
            address,
            COORDINATOR,
            zdo.COORDINATOR,
            awake=True,
            relation=Relation.PARENT,
            depth=0,
        )
        device.node.neighbours = (parent,)
        device.node.routes = (Route(COORDINATOR, COORDINATOR, many_to_one=True),)

    def heard_of(self, device: Device) -> bool:
        """Whether the coordinator hears a device."""
        member = self.coordinator.membership()
        return device.in_range and member is not None and device.membership == member

    def reachable(self, device: Device) -> bool:
        """Whether a device hears the coordinator.

        It drops frames whose counter is not higher than the last (Zigbee specification 05-3474,
        4.3.1.2): that is what a backup restored with too low a counter meets.
        """
        return self.heard_of(device) and self.coordinator.counter() > device.counter

    def unicast(self, address: int, aps: Aps, message: bytes, sent: Callable[[bool], None]) -> None:
        """Carry a message to a device and its answers back; ``sent`` hears whether it arrived."""
        for device in self.devices:
            if device.node.address == address and self.reachable(device):
                self._later(LATENCY_SECONDS, lambda: sent(True))
                self._later(2 * LATENCY_SECONDS, partial(self._arrive, device, aps, message))
                return
        self._later(GIVE_UP_SECONDS, lambda: sent(False))

    def broadcast(self, aps: Aps, message: bytes) -> None:
        """Carry a message to every member."""
        for device in self.devices:
            if self.reachable(device):
                arrive = partial(self._arrive, device, aps, message, broadcast=True)
                self._later(2 * LATENCY_SECONDS, arrive)

    def opened(self) -> None:
        """Let devices that search for a network find this one, one after the other."""
        searching = [d for d in self.devices if d.in_range and d.membership is None]
        for place, device in enumerate(searching):
            self._later(JOIN_SECONDS * (1 + place), partial(self._join, device))

    def move(self, device: Device, *, in_range: bool) -> None:
        """Take a device out of the coordinator's range, or bring it back."""
        came = in_range and not device.in_range
        device.in_range = in_range
        if came and self.heard_of(device):
            self.coordinator.joined(device, again=True)
            self._announce(device)

    def press(self, device: Device) -> None:
        """Reset a device to factory settings; it then searches for an open network."""
        device.forget()
        if self.coordinator.is_open():
            self.opened()

    def tick(self) -> None:
        """Carry the reports that are due."""
        for device in self.devices:
            if self.heard_of(device):
                for report in device.reports(self.coordinator.address(), self._now()):
                    self.coordinator.heard(device.node.address, report)

    def remove(self, device: Device) -> None:
        """Make a member leave."""
        address = device.node.address
        device.forget()
        self.coordinator.left(device, address)

    def _arrive(self, device: Device, aps: Aps, message: bytes, *, broadcast: bool = False) -> None:
        device.counter = self.coordinator.counter() - 1
        address = device.node.address
        self._tell_surroundings(device)
        answers = device.receive(aps, message, self._now())
        if device.membership is None:
            self.coordinator.left(device, address)
        if broadcast and zdo.is_network_update(aps):
            return
        for answer in answers:
            self._later(LATENCY_SECONDS, partial(self._back, device, address, answer))

    def _back(self, device: Device, address: int, answer: Message) -> None:
        if device.in_range and self.coordinator.membership() is not None:
            self.coordinator.heard(address, answer)

    def _join(self, device: Device) -> None:
        if not device.in_range or device.membership is not None:
            return
        member = self.coordinator.membership()
        if member is None or not self.coordinator.admit(device):
            return
        taken = {other.node.address for other in self.devices}
        address = next(a for a in range(FIRST_ADDRESS, 0xFFF0) if a not in taken)
        device.join(member, address, self._now())
        self.coordinator.joined(device, again=False)
        self._later(LATENCY_SECONDS, lambda: self._announce(device))

    def _announce(self, device: Device) -> None:
        self.coordinator.heard(device.node.address, device.announcement(), broadcast=True)
