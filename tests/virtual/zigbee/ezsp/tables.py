"""EZSP commands about tables: children, addresses, groups."""

from __future__ import annotations

from tests.virtual.zigbee.ezsp.handler import Handler
from tests.virtual.zigbee.ezsp.ids import NO_EUI64, NO_NODE, Config, Status
from tests.virtual.zigbee.ezsp.wire import Reader, eui64, eui64_text, u8, u16, u32
from tests.virtual.zigbee.stack import Stack

_SLEEPY = 4  # EmberNodeType: sleepy end device
_ENTRY_LENGTH = 4  # of the multicast table: group, endpoint, network


def _child(stack: Stack, fields: Reader) -> bytes:
    entry = stack.flash.children.get(fields.u8())
    if entry is None:
        return u8(Status.NOT_JOINED) + bytes(8) + u8(0) + u16(NO_NODE) + u8(0, 0, 0) + u32(0)
    child = eui64(entry[0]) + u8(_SLEEPY) + u16(entry[1]) + u8(0, 0, 0) + u32(0)
    return u8(Status.SUCCESS) + child


def _set_child(stack: Stack, fields: Reader) -> bytes:
    index, address = fields.u8(), fields.raw(8)
    fields.u8()
    stack.flash.children[index] = (eui64_text(address), fields.u16())
    stack.save()
    return u8(Status.SUCCESS)


def _address_node(stack: Stack, fields: Reader) -> bytes:
    return u16(stack.memory.addresses.get(fields.u8(), (NO_EUI64, NO_NODE))[1])


def _address_eui64(stack: Stack, fields: Reader) -> bytes:
    return stack.memory.addresses.get(fields.u8(), (NO_EUI64, NO_NODE))[0]


def _replace_address(stack: Stack, fields: Reader) -> bytes:
    index, address, node, patient = fields.u8(), fields.raw(8), fields.u16(), fields.u8()
    if index >= stack.memory.configuration[Config.ADDRESS_TABLE_SIZE]:
        return u8(Status.INDEX_OUT_OF_RANGE) + NO_EUI64 + u16(NO_NODE) + u8(0)
    old = stack.memory.addresses.get(index, (NO_EUI64, NO_NODE))
    was_patient = old[0] in stack.memory.patient
    stack.memory.addresses[index] = (address, node)
    _be_patient(stack, address, patient)
    return u8(Status.SUCCESS) + old[0] + u16(old[1]) + u8(was_patient)


def _be_patient(stack: Stack, address: bytes, patient: int) -> None:
    if patient:
        stack.memory.patient.add(address)
    else:
        stack.memory.patient.discard(address)


def _known(stack: Stack) -> dict[bytes, int]:
    """Return who is known by address: the table, the children, and routers that have spoken."""
    known = dict(stack.memory.addresses.values())
    known |= {eui64(text): node for text, node in stack.flash.children.values()}
    for device in stack.air.devices:
        if device.membership is not None and device.membership == stack.membership():
            known[device.node.eui64] = device.node.address
    return known


def _find_node(stack: Stack, fields: Reader) -> bytes:
    return u16(_known(stack).get(fields.raw(8), NO_NODE))


def _find_eui64(stack: Stack, fields: Reader) -> bytes:
    wanted = fields.u16()
    for address, node in _known(stack).items():
        if node == wanted:
            return u8(Status.SUCCESS) + address
    return u8(Status.FATAL) + NO_EUI64


def _get_timeout(stack: Stack, fields: Reader) -> bytes:
    return u8(fields.raw(8) in stack.memory.patient)


def _set_timeout(stack: Stack, fields: Reader) -> bytes:
    _be_patient(stack, fields.raw(8), fields.u8())
    return b""


def _group(stack: Stack, fields: Reader) -> bytes:
    index = fields.u8()
    if index >= stack.memory.configuration[Config.MULTICAST_TABLE_SIZE]:
        return u8(Status.INDEX_OUT_OF_RANGE) + bytes(_ENTRY_LENGTH)
    return u8(Status.SUCCESS) + stack.memory.multicast.get(index, bytes(_ENTRY_LENGTH))


def _set_group(stack: Stack, fields: Reader) -> bytes:
    index = fields.u8()
    if index >= stack.memory.configuration[Config.MULTICAST_TABLE_SIZE]:
        return u8(Status.INDEX_OUT_OF_RANGE)
    stack.memory.multicast[index] = fields.raw(_ENTRY_LENGTH)
    return u8(Status.SUCCESS)


HANDLERS: dict[int, Handler] = {
    0x4A: _child,
    0x5E: _address_eui64,
    0x5F: _address_node,
    0x60: _find_node,
    0x61: _find_eui64,
    0x63: _group,
    0x64: _set_group,
    0x7E: _set_timeout,
    0x7F: _get_timeout,
    0x82: _replace_address,
    0xAC: _set_child,
}
