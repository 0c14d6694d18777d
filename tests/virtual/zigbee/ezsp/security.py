"""EZSP commands about keys."""

from __future__ import annotations

from tests.virtual.zigbee.ezsp.handler import Handler
from tests.virtual.zigbee.ezsp.ids import Config, SlStatus, Status
from tests.virtual.zigbee.ezsp.wire import Reader, eui64, eui64_text, u8, u16, u32
from tests.virtual.zigbee.stack import Stack

_NETWORK_KEY, _TC_LINK_KEY = 1, 2  # sl_zb_sec_man_key_type
_HAVE_TRUST_CENTER_LINK_KEY = 0x10
_HASHED_AND_GLOBAL = 0x84  # the same bits at forming and afterwards
_HAS_COUNTERS = 0x06  # of a key: outgoing and incoming
NO_KEY = bytes(16)
NO_ENTRY = 0xFF


def _state(stack: Stack, _fields: Reader) -> bytes:
    network = stack.flash.network
    if network is None or not stack.memory.up:
        return u8(Status.NOT_JOINED) + u16(0) + bytes(8)
    bitmask = network.security_bitmask & _HASHED_AND_GLOBAL | _HAVE_TRUST_CENTER_LINK_KEY
    return u8(Status.SUCCESS) + u16(bitmask) + stack.eui64


def _export(stack: Stack, fields: Reader) -> bytes:
    kind, network = fields.u8(), stack.flash.network
    if network is None or kind not in {_NETWORK_KEY, _TC_LINK_KEY}:
        return NO_KEY + u32(SlStatus.NOT_FOUND)
    key = network.network_key if kind == _NETWORK_KEY else network.link_key
    return bytes.fromhex(key) + u32(SlStatus.OK)


def _network_key(stack: Stack, _fields: Reader) -> bytes:
    network = stack.flash.network
    sequence = 0 if network is None else network.key_sequence
    found = u8(network is not None, 0, sequence, 0)
    return u32(SlStatus.OK) + found + u32(stack.flash.nwk_counter)


def _metadata(stack: Stack) -> bytes:
    return u16(_HAS_COUNTERS) + u32(stack.flash.aps_counter, 0) + u16(0)


def _aps_key(stack: Stack, fields: Reader) -> bytes:
    known = fields.u8() == _TC_LINK_KEY and stack.flash.network is not None
    status = SlStatus.OK if known else SlStatus.NOT_FOUND
    return stack.eui64 + _metadata(stack) + u32(status)


def _import_transient(stack: Stack, fields: Reader) -> bytes:
    stack.memory.transient_keys.add(fields.raw(8))
    return u32(SlStatus.OK)


def _clear_transient(stack: Stack, _fields: Reader) -> bytes:
    stack.memory.transient_keys.clear()
    return b""


def _size(stack: Stack) -> int:
    return stack.memory.configuration[Config.KEY_TABLE_SIZE]


def _find(stack: Stack, fields: Reader) -> bytes:
    text = eui64_text(fields.raw(8))
    found = [index for index, entry in stack.flash.link_keys.items() if entry[0] == text]
    return u8(found[0] if found else NO_ENTRY)


def _erase(stack: Stack, fields: Reader) -> bytes:
    if stack.flash.link_keys.pop(fields.u8(), None) is None:
        return u8(Status.TABLE_ENTRY_ERASED)
    stack.save()
    return u8(Status.SUCCESS)


def _clear(stack: Stack, _fields: Reader) -> bytes:
    stack.flash.link_keys.clear()
    stack.save()
    return u8(Status.SUCCESS)


def _export_link(stack: Stack, fields: Reader) -> bytes:
    index = fields.u8()
    entry = stack.flash.link_keys.get(index)
    if entry is None:
        status = SlStatus.NOT_FOUND if index < _size(stack) else SlStatus.INVALID_INDEX
        return bytes(8) + NO_KEY + _metadata(stack) + u32(status)
    return eui64(entry[0]) + bytes.fromhex(entry[1]) + _metadata(stack) + u32(SlStatus.OK)


def _import_link(stack: Stack, fields: Reader) -> bytes:
    index, partner, key = fields.u8(), fields.raw(8), fields.raw(16)
    if index >= _size(stack):
        return u32(SlStatus.INVALID_INDEX)
    stack.flash.link_keys[index] = (eui64_text(partner), key.hex())
    stack.save()
    return u32(SlStatus.OK)


HANDLERS: dict[int, Handler] = {
    0x69: _state,
    0x6B: _clear_transient,
    0x75: _find,
    0x76: _erase,
    0xB1: _clear,
    0x10C: _aps_key,
    0x10E: _import_link,
    0x10F: _export_link,
    0x111: _import_transient,
    0x114: _export,
    0x116: _network_key,
}
