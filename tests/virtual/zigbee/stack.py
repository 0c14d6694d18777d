"""The co-processor's Zigbee stack: what EZSP commands read and change."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tests.virtual.zigbee import zdo
from tests.virtual.zigbee.air import Air, Later
from tests.virtual.zigbee.devices.device import Device, Membership, Message
from tests.virtual.zigbee.ezsp.frames import Aps, Parameters, Security, incoming_message
from tests.virtual.zigbee.ezsp.ids import (
    ALLOW_JOINS,
    COORDINATOR,
    TRUST_CENTER_POLICY,
    Callback,
    Decision,
    DeviceUpdate,
    Incoming,
    Status,
)
from tests.virtual.zigbee.ezsp.wire import eui64_text, u8, u16
from tests.virtual.zigbee.management import Update
from tests.virtual.zigbee.memory import Memory
from tests.virtual.zigbee.network import COUNTER_STEP, Flash, Network

CHANNEL_SECONDS = 3.0  # from hearing of another channel to being on it: the others hear it, too
SETTLE_SECONDS = 0.01  # a callback follows the answer to the command that causes it
SILICON_LABS = 0x1049
COORDINATOR_CAPABILITIES = 0x8F


class Stack:
    """The stack. ``tell`` sends a callback to the host, ``keep`` writes the flash."""

    def __init__(
        self,
        flash: Flash,
        air: Air,
        later: Later,
        tell: Callable[[int, bytes], None],
        keep: Callable[[Flash], None],
    ) -> None:
        self.flash = flash
        self.air = air
        self.memory = Memory()
        self.eui64 = flash.eui64()
        self._later = later
        self._tell = tell
        self._keep = keep
        self._boots = 0
        self._aps_sequence = 0
        self._kept_counter = flash.nwk_counter + COUNTER_STEP
        air.coordinator = self

    def reboot(self) -> None:
        """Start again from what the flash holds."""
        self._boots += 1
        self.memory = Memory()
        self.eui64 = self.flash.eui64()

    def save(self) -> None:
        """Write the flash."""
        self._kept_counter = self.flash.nwk_counter + COUNTER_STEP
        self._keep(self.flash)

    def soon(self, action: Callable[[], None], seconds: float = SETTLE_SECONDS) -> None:
        """Do something a little later, unless it has rebooted by then."""
        act = self.unless_rebooted(lambda _: action())
        self._later(seconds, lambda: act(True))

    def unless_rebooted(self, action: Callable[[bool], None]) -> Callable[[bool], None]:
        """Return ``action`` such that it does nothing after a reboot."""
        boots = self._boots
        return lambda given: action(given) if boots == self._boots else None

    def tell(self, callback: int, parameters: bytes) -> None:
        """Send a callback."""
        self._tell(callback, parameters)

    def tell_status(self, status: Status) -> None:
        """Send stackStatusHandler after the answer that is under way."""
        self.soon(lambda: self.tell(Callback.STACK_STATUS, u8(status)))

    def count(self) -> int:
        """Return the frame counter for a frame that goes out now."""
        used = self.flash.nwk_counter
        self.flash.nwk_counter += 1
        if self.flash.nwk_counter >= self._kept_counter:
            self.save()
        return used

    def next_aps(self) -> int:
        """Return the APS counter for a message that goes out now."""
        self._aps_sequence = (self._aps_sequence + 1) % 256
        return self._aps_sequence

    # Forming and leaving

    def form(self, wanted: Parameters, security: Security) -> None:
        """Become the coordinator of a new network."""
        key = security.network_key
        self.flash.network = Network(
            extended_pan_id=eui64_text(_or_random(wanted.extended_pan_id)),
            pan_id=wanted.pan_id,
            channel=wanted.channel,
            tx_power=wanted.tx_power,
            manager=wanted.manager,
            update_id=wanted.update_id,
            channels=wanted.channels,
            network_key=key.hex(),
            key_sequence=security.key_sequence,
            link_key=security.link_key.hex(),
            security_bitmask=security.bitmask,
        )
        self.start()
        self.save()

    def start(self) -> None:
        """Bring the network up that the flash holds."""
        self.memory.up = True
        self.tell_status(Status.NETWORK_UP)

    def forget_network(self) -> None:
        """Leave the network, and forget it."""
        self.memory.up = False
        self.flash.network = None
        self.flash.children.clear()
        self.save()

    def set_channel(self, channel: int) -> None:
        """Go to another channel at once."""
        if self.flash.network is not None:
            self.change_network(replace(self.flash.network, channel=channel))

    def update_network(self, update: Update) -> None:
        """Do what a network's manager asks, and tell the host when the channel is another."""
        if self.flash.network is None:
            return
        known = self.flash.network
        changed = replace(
            known,
            update_id=update.update_id,
            channels=known.channels if update.channels is None else update.channels,
            manager=known.manager if update.manager is None else update.manager,
        )
        if update.channel is None or update.channel == known.channel:
            self.change_network(changed)
            return

        def move(channel: int) -> None:
            self.memory.moving = False
            self.change_network(replace(changed, channel=channel))
            self.tell(Callback.STACK_STATUS, u8(Status.CHANNEL_CHANGED))

        if not self.memory.moving:  # what is asked several times is done once
            self.memory.moving = True
            self.soon(partial(move, update.channel), CHANNEL_SECONDS)

    def change_network(self, network: Network) -> None:
        """Change a parameter of the network."""
        self.flash.network = network
        self.save()

    # Joining

    def open_for(self, seconds: int) -> None:
        """Let devices join: 0 closes, 255 stays open."""
        self.memory.opening += 1
        self.memory.open = seconds > 0
        opening = self.memory.opening
        if not seconds:
            self.tell_status(Status.NETWORK_CLOSED)
            return
        self.tell_status(Status.NETWORK_OPENED)
        self.air.opened()
        if seconds < 255:
            self.soon(lambda: self._close(opening), seconds)

    def _close(self, opening: int) -> None:
        if opening == self.memory.opening:
            self.memory.open = False
            self.tell(Callback.STACK_STATUS, u8(Status.NETWORK_CLOSED))

    def is_open(self) -> bool:
        """Whether devices may join now."""
        return self.memory.open

    def membership(self) -> Membership | None:
        """Return the network that is up."""
        network = self.flash.network
        if not self.memory.up or network is None:
            return None
        return Membership(network.extended_pan_id, network.network_key)

    def counter(self) -> int:
        """Return the next frame counter."""
        return self.flash.nwk_counter

    def address(self) -> bytes:
        """Return its EUI64."""
        return self.eui64

    def admit(self, device: Device) -> bool:
        """Whether the trust centre's policy and its keys let a device in."""
        if not self.memory.open:
            return False
        allowed = self.memory.policies.get(TRUST_CENTER_POLICY, 0) & ALLOW_JOINS
        keys = self.memory.transient_keys
        if allowed and (b"\xff" * 8 in keys or device.node.eui64 in keys):
            return True
        self._tell_join(device, 0xFFFE, DeviceUpdate.UNSECURED_JOIN, Decision.DENY_JOIN)
        return False

    def joined(self, device: Device, *, again: bool) -> None:
        """Take a device as child, and tell the host."""
        if device.node.descriptor.kind == zdo.END_DEVICE:
            entry = (eui64_text(device.node.eui64), device.node.address)
            held = {child[0]: index for index, child in self.flash.children.items()}
            free = next(i for i in range(256) if i not in self.flash.children)
            self.flash.children[held.get(entry[0], free)] = entry
        self.save()
        status = DeviceUpdate.SECURED_REJOIN if again else DeviceUpdate.UNSECURED_JOIN
        self._tell_join(device, device.node.address, status, Decision.USE_PRECONFIGURED_KEY)

    def left(self, device: Device, address: int) -> None:
        """Strike a device out of the children, and tell the host."""
        text = eui64_text(device.node.eui64)
        children = self.flash.children
        self.flash.children = {i: child for i, child in children.items() if child[0] != text}
        self.save()
        self._tell_join(device, address, DeviceUpdate.LEFT, Decision.USE_PRECONFIGURED_KEY)

    def _tell_join(self, device: Device, address: int, update: int, decision: int) -> None:
        parameters = u16(address) + device.node.eui64 + u8(update, decision) + u16(COORDINATOR)
        self.tell(Callback.TRUST_CENTER_JOIN, parameters)

    # Messages

    def heard(self, address: int, message: Message, *, broadcast: bool = False) -> None:
        """Pass a device's message on to the host."""
        aps, payload = message
        kind = Incoming.BROADCAST if broadcast else Incoming.UNICAST
        whole = replace(aps, sequence=self.next_aps())
        self.tell(Callback.INCOMING_MESSAGE, incoming_message(kind, whole, address, payload))

    def node(self) -> zdo.Node:
        """Return what the coordinator says about itself."""
        return zdo.Node(
            COORDINATOR,
            self.eui64,
            zdo.Descriptor(zdo.COORDINATOR, COORDINATOR_CAPABILITIES, SILICON_LABS),
            self.memory.endpoints,
            neighbours=self.air.neighbours(),
            routes=self.air.routes(),
            update=self.update_network,
        )

    def loop_back(self, aps: Aps, message: bytes) -> None:
        """Answer what the host asks its own coordinator."""
        if aps.profile != zdo.PROFILE or aps.destination != 0:
            return
        answer = zdo.answer(self.node(), aps.cluster, message)
        if answer is not None:
            response = Aps(zdo.PROFILE, aps.cluster | zdo.RESPONSE, 0, 0)
            self.heard(COORDINATOR, (response, answer))


def _or_random(extended_pan_id: bytes) -> bytes:
    """Return the wanted id, or one of its own choice for zeros."""
    return extended_pan_id if any(extended_pan_id) else os.urandom(8)
