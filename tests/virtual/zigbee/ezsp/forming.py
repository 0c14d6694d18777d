"""EZSP commands about the network: forming, starting, leaving, scanning, opening it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tests.virtual.zigbee.ezsp.frames import NO_PARAMETERS, Parameters, Security
from tests.virtual.zigbee.ezsp.handler import Handler
from tests.virtual.zigbee.ezsp.ids import COORDINATOR, NO_NODE, Callback, Status
from tests.virtual.zigbee.ezsp.wire import Reader, u8, u16, u32
from tests.virtual.zigbee.stack import Stack

ENERGY_SCAN = 0
QUIET_DBM = -85
FIRST_CHANNEL = 11
LAST_CHANNEL = 26
_NO_NETWORK, _JOINED = 0, 2  # EmberNetworkStatus
_COORDINATOR_TYPE = 1  # EmberNodeType


def _init(stack: Stack, _fields: Reader) -> bytes:
    if stack.flash.network is None:
        return u8(Status.NOT_JOINED)
    stack.start()
    return u8(Status.SUCCESS)


def _state(stack: Stack, _fields: Reader) -> bytes:
    return u8(_JOINED if stack.memory.up else _NO_NETWORK)


def _security(stack: Stack, fields: Reader) -> bytes:
    stack.memory.security = Security.read(fields)
    return u8(Status.SUCCESS)


def _form(stack: Stack, fields: Reader) -> bytes:
    wanted = Parameters.read(fields)
    if stack.memory.up:
        return u8(Status.INVALID_CALL)
    if stack.memory.security is None:
        return u8(Status.SECURITY_STATE_NOT_SET)
    stack.form(wanted, stack.memory.security)
    return u8(Status.SUCCESS)


def _leave(stack: Stack, _fields: Reader) -> bytes:
    if not stack.memory.up:
        return u8(Status.INVALID_CALL)
    stack.forget_network()
    stack.tell_status(Status.NETWORK_DOWN)
    return u8(Status.SUCCESS)


def _factory_reset(stack: Stack, fields: Reader) -> bytes:
    keep_counter = fields.u8()
    fields.u8()
    if not keep_counter:
        stack.flash.nwk_counter = 0
        stack.flash.aps_counter = 0
    stack.flash.link_keys.clear()
    stack.forget_network()
    return b""


def _parameters(stack: Stack, _fields: Reader) -> bytes:
    network = stack.flash.network
    if network is None or not stack.memory.up:
        return u8(Status.NOT_JOINED, 0) + NO_PARAMETERS.write()
    return u8(Status.SUCCESS, _COORDINATOR_TYPE) + network.parameters().write()


def _node_id(stack: Stack, _fields: Reader) -> bytes:
    return u16(COORDINATOR if stack.memory.up else NO_NODE)


def _eui64(stack: Stack, _fields: Reader) -> bytes:
    return stack.eui64


def _concentrator(_stack: Stack, _fields: Reader) -> bytes:
    return u8(Status.SUCCESS)


def _source_routes(_stack: Stack, _fields: Reader) -> bytes:
    return u32(0)  # ms until the next route request


def _power(stack: Stack, fields: Reader) -> bytes:
    power = fields.u8()
    if stack.flash.network is not None:
        stack.change_network(replace(stack.flash.network, tx_power=power))
    return u8(Status.SUCCESS)


def _scan(stack: Stack, fields: Reader) -> bytes:
    kind, mask = fields.u8(), fields.u32()
    if kind == ENERGY_SCAN:
        for channel in range(FIRST_CHANNEL, LAST_CHANNEL + 1):
            if mask >> channel & 1:
                found = u8(channel, QUIET_DBM + channel % 3)
                stack.soon(partial(stack.tell, Callback.ENERGY_SCAN_RESULT, found))
    stack.soon(lambda: stack.tell(Callback.SCAN_COMPLETE, u8(0, Status.SUCCESS)))
    return u8(Status.SUCCESS)


def _permit(stack: Stack, fields: Reader) -> bytes:
    if not stack.memory.up:
        return u8(Status.INVALID_CALL)
    stack.open_for(fields.u8())
    return u8(Status.SUCCESS)


def _set_channel(stack: Stack, fields: Reader) -> bytes:
    channel = fields.u8()
    if not stack.memory.up:
        return u8(Status.NOT_JOINED)
    if not FIRST_CHANNEL <= channel <= LAST_CHANNEL:
        return u8(Status.PHY_INVALID_CHANNEL)
    stack.set_channel(channel)
    return u8(Status.SUCCESS)


def _channel(stack: Stack, _fields: Reader) -> bytes:
    network = stack.flash.network
    return u8(network.channel if network and stack.memory.up else 0)


HANDLERS: dict[int, Handler] = {
    0x10: _concentrator,
    0x17: _init,
    0x18: _state,
    0x1A: _scan,
    0x1E: _form,
    0x20: _leave,
    0x22: _permit,
    0x26: _eui64,
    0x27: _node_id,
    0x28: _parameters,
    0x5A: _source_routes,
    0x68: _security,
    0x77: _factory_reset,
    0x99: _power,
    0xB9: _set_channel,  # setLogicalAndRadioChannel
    0xBA: _channel,
}
