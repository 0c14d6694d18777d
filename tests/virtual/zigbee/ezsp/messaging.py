"""EZSP commands that send messages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from tests.virtual.zigbee import zdo
from tests.virtual.zigbee.ezsp.frames import Aps
from tests.virtual.zigbee.ezsp.handler import Handler
from tests.virtual.zigbee.ezsp.ids import COORDINATOR, Callback, Outgoing, Status
from tests.virtual.zigbee.ezsp.wire import Reader, counted, u8, u16
from tests.virtual.zigbee.stack import Stack


@dataclass(frozen=True)
class _Outgoing:
    """A message under way: what messageSentHandler says of it."""

    kind: Outgoing
    target: int
    aps: Aps
    tag: int

    def tell(self, stack: Stack, *, arrived: bool) -> None:
        """Tell the host what became of it."""
        status = Status.SUCCESS if arrived else Status.DELIVERY_FAILED
        parameters = u8(self.kind) + u16(self.target) + self.aps.write()
        parameters += u8(self.tag, status) + counted(b"")
        stack.tell(Callback.MESSAGE_SENT, parameters)


def _unicast(stack: Stack, fields: Reader) -> bytes:
    kind, target, aps = fields.u8(), fields.u16(), Aps.read(fields)
    tag, message = fields.u8(), fields.counted()
    if not stack.memory.up:
        return u8(Status.NOT_JOINED, 0)
    if kind != Outgoing.DIRECT:
        return u8(Status.INVALID_CALL, 0)
    whole = replace(aps, sequence=stack.next_aps())
    sent = _Outgoing(Outgoing.DIRECT, target, whole, tag)
    if target == COORDINATOR:
        stack.soon(lambda: sent.tell(stack, arrived=True))
        stack.soon(lambda: stack.loop_back(whole, message))
    else:
        told = stack.unless_rebooted(lambda arrived: sent.tell(stack, arrived=arrived))
        stack.air.unicast(target, whole, message, told)
        stack.count()
    return u8(Status.SUCCESS, whole.sequence)


def _to_many(stack: Stack, message: _Outgoing) -> bytes:
    if not stack.memory.up:
        return u8(Status.NOT_JOINED, 0)
    stack.count()
    stack.soon(lambda: message.tell(stack, arrived=True))
    return u8(Status.SUCCESS, message.aps.sequence)


def _broadcast(stack: Stack, fields: Reader) -> bytes:
    target, aps = fields.u16(), Aps.read(fields)
    fields.u8()
    tag, message = fields.u8(), fields.counted()
    whole = replace(aps, sequence=stack.next_aps())
    stack.air.broadcast(whole, message)
    if stack.memory.up and zdo.is_network_update(aps):
        zdo.answer(stack.node(), aps.cluster, message)  # it hears its own call to another channel
    return _to_many(stack, _Outgoing(Outgoing.BROADCAST, target, whole, tag))


def _multicast(stack: Stack, fields: Reader) -> bytes:
    # No simulated device is in a group: nobody hears it.
    aps = Aps.read(fields)
    fields.raw(2)
    whole = replace(aps, sequence=stack.next_aps())
    return _to_many(stack, _Outgoing(Outgoing.MULTICAST, aps.group, whole, fields.u8()))


def _remove(stack: Stack, fields: Reader) -> bytes:
    fields.u16()
    fields.raw(8)
    target = fields.raw(8)
    for device in stack.air.devices:
        if device.node.eui64 == target and stack.air.reachable(device):
            stack.count()
            stack.soon(partial(stack.air.remove, device))
            return u8(Status.SUCCESS)
    return u8(Status.DELIVERY_FAILED)


def _success(_stack: Stack, _fields: Reader) -> bytes:
    return u8(Status.SUCCESS)


HANDLERS: dict[int, Handler] = {
    0x34: _unicast,
    0x36: _broadcast,
    0x38: _multicast,
    0xA8: _remove,
    0xAE: _success,  # setSourceRoute: every device is next to the coordinator
}
