"""EZSP commands of a host's start: configuration, values, policies, tokens, endpoints."""

from __future__ import annotations

from dataclasses import replace

from tests.virtual.zigbee.ezsp.handler import Handler
from tests.virtual.zigbee.ezsp.ids import NO_EUI64, EzspStatus, Status, Value
from tests.virtual.zigbee.ezsp.wire import Reader, counted, eui64, eui64_text, u8, u16, u32
from tests.virtual.zigbee.stack import Stack
from tests.virtual.zigbee.zdo import Endpoint

COUNTERS = 42  # EmberCounterType has so many
FREE_BUFFERS = 250
# EmberZNet 7.4.4 build 0, generally available.
VERSION_INFO = u16(0) + u8(7, 4, 4, 0, 0xAA)

_MFG_STRING, _MFG_BOARD_NAME, _MFG_CUSTOM_EUI64 = 0x01, 0x02, 0x0C
_MFG_TOKENS = {
    # What a ZBDongle-E's USB descriptors say; its real tokens were not at hand.
    _MFG_STRING: b"ITEAD".ljust(16, b"\xff"),
    _MFG_BOARD_NAME: b"Dongle Plus V2".ljust(16, b"\xff"),
    _MFG_CUSTOM_EUI64: NO_EUI64,  # not burnt
}

# NV3 tokens, by the names that the EmberZNet SDK gives them.
_RESTORED_EUI64 = 0xE12A
_CHILD_TABLE = 0x10580
_NETWORK_MANAGEMENT = 0x1E125
_CHILD_VALID = 0x80


def _get_configuration(stack: Stack, fields: Reader) -> bytes:
    return u8(Status.SUCCESS) + u16(stack.memory.configuration.get(fields.u8(), 0))


def _set_configuration(stack: Stack, fields: Reader) -> bytes:
    number = fields.u8()
    stack.memory.configuration[number] = fields.u16()
    return u8(Status.SUCCESS)


def _get_value(stack: Stack, fields: Reader) -> bytes:
    number = fields.u8()
    known = {
        Value.FREE_BUFFERS: u16(FREE_BUFFERS),
        Value.VERSION_INFO: VERSION_INFO,
        Value.NWK_FRAME_COUNTER: u32(stack.flash.nwk_counter),
        Value.APS_FRAME_COUNTER: u32(stack.flash.aps_counter),
        **stack.memory.values,
    }
    if number not in known:
        return u8(EzspStatus.INVALID_ID) + counted(b"")
    return u8(Status.SUCCESS) + counted(known[number])


def _set_value(stack: Stack, fields: Reader) -> bytes:
    number, value = fields.u8(), fields.counted()
    if number in {Value.NWK_FRAME_COUNTER, Value.APS_FRAME_COUNTER}:
        if stack.memory.up or len(value) != 4:
            return u8(EzspStatus.INVALID_CALL)
        counter = int.from_bytes(value, "little")
        if number == Value.NWK_FRAME_COUNTER:
            stack.flash.nwk_counter = counter
        else:
            stack.flash.aps_counter = counter
        stack.save()
    else:
        stack.memory.values[number] = value
    return u8(Status.SUCCESS)


def _get_extended_value(_stack: Stack, _fields: Reader) -> bytes:
    # An endpoint's flags are asked for before it is added: there is none yet.
    return u8(EzspStatus.INVALID_ID) + counted(bytes(2))


def _get_policy(stack: Stack, fields: Reader) -> bytes:
    return u8(Status.SUCCESS, stack.memory.policies.get(fields.u8(), 0))


def _set_policy(stack: Stack, fields: Reader) -> bytes:
    number = fields.u8()
    stack.memory.policies[number] = fields.u8()
    return u8(Status.SUCCESS)


def _add_endpoint(stack: Stack, fields: Reader) -> bytes:
    number, profile, device = fields.u8(), fields.u16(), fields.u16()
    version, inputs, outputs = fields.u8(), fields.u8(), fields.u8()
    if stack.memory.up or number in stack.memory.endpoints:
        return u8(EzspStatus.INVALID_CALL)
    stack.memory.endpoints[number] = Endpoint(
        profile,
        device,
        tuple(fields.u16() for _ in range(inputs)),
        tuple(fields.u16() for _ in range(outputs)),
        version,
    )
    return u8(Status.SUCCESS)


def _get_mfg_token(_stack: Stack, fields: Reader) -> bytes:
    return counted(_MFG_TOKENS.get(fields.u8(), b""))


def _get_token(stack: Stack, fields: Reader) -> bytes:
    number, index = fields.u32(), fields.u32()
    network, child = stack.flash.network, stack.flash.children.get(index)
    found: bytes | None = None
    if number == _RESTORED_EUI64:
        restored = stack.flash.restored_eui64
        found = NO_EUI64 if restored is None else eui64(restored)
    elif number == _CHILD_TABLE and child is not None:
        found = eui64(child[0]) + u16(child[1]) + u8(_CHILD_VALID)
    elif number == _NETWORK_MANAGEMENT and network is not None:
        found = u32(network.channels) + u16(network.manager) + u8(network.update_id, 0)
    if found is None:
        return u8(Status.FATAL) + u32(0)
    return u8(Status.SUCCESS) + u32(len(found)) + found


def _set_token(stack: Stack, fields: Reader) -> bytes:
    number, _index = fields.u32(), fields.u32()
    value = fields.raw(fields.u32())
    if number == _RESTORED_EUI64 and len(value) == 8:
        stack.flash.restored_eui64 = None if value == NO_EUI64 else eui64_text(value)
        stack.save()
        return u8(Status.SUCCESS)
    network = stack.flash.network
    if number == _NETWORK_MANAGEMENT and network is not None and len(value) == 8:
        stack.change_network(replace(network, update_id=value[6]))
        return u8(Status.SUCCESS)
    return u8(Status.FATAL)


def _counters(_stack: Stack, _fields: Reader) -> bytes:
    return u16(*[0] * COUNTERS)


def _nothing(_stack: Stack, _fields: Reader) -> bytes:
    return b""


def _success(_stack: Stack, _fields: Reader) -> bytes:
    return u8(Status.SUCCESS)


def _echo(_stack: Stack, fields: Reader) -> bytes:
    return counted(fields.counted())


def _no_custom_frames(_stack: Stack, _fields: Reader) -> bytes:
    return u8(Status.INVALID_CALL) + counted(b"")


HANDLERS: dict[int, Handler] = {
    0x02: _add_endpoint,
    0x03: _get_extended_value,
    0x05: _nothing,  # nop
    0x0B: _get_mfg_token,
    0x15: _nothing,  # setManufacturerCode
    0x16: _nothing,  # setPowerDescriptor
    0x47: _no_custom_frames,
    0x52: _get_configuration,
    0x53: _set_configuration,
    0x55: _set_policy,
    0x56: _get_policy,
    0x65: _counters,
    0x81: _echo,
    0xAA: _get_value,
    0xAB: _set_value,
    0xE2: _nothing,  # gpSinkTableClearAll
    0xF1: _counters,
    0x102: _get_token,
    0x103: _set_token,
    0x11: _success,  # setBrokenRouteErrorCode
}
