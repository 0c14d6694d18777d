"""EZSP commands of the manufacturing test library (mfglib): a radio without a network.

Source: Silicon Labs UG100, "Mfglib Frames". Nothing is on the air: no frame is ever captured.
"""

from __future__ import annotations

from tests.virtual.zigbee.ezsp.forming import FIRST_CHANNEL, LAST_CHANNEL
from tests.virtual.zigbee.ezsp.handler import Handler
from tests.virtual.zigbee.ezsp.ids import Status
from tests.virtual.zigbee.ezsp.wire import Reader, u8
from tests.virtual.zigbee.stack import Stack

NO_CHANNEL = 0


def _start(stack: Stack, fields: Reader) -> bytes:
    fields.u8()  # whether it shall tell what it hears
    if stack.memory.up or stack.memory.test is not None:
        return u8(Status.INVALID_CALL)
    stack.memory.test = NO_CHANNEL
    return u8(Status.SUCCESS)


def _end(stack: Stack, _fields: Reader) -> bytes:
    if stack.memory.test is None:
        return u8(Status.INVALID_CALL)
    stack.memory.test = None
    return u8(Status.SUCCESS)


def _set_channel(stack: Stack, fields: Reader) -> bytes:
    channel = fields.u8()
    if stack.memory.test is None:
        return u8(Status.INVALID_CALL)
    if not FIRST_CHANNEL <= channel <= LAST_CHANNEL:
        return u8(Status.PHY_INVALID_CHANNEL)
    stack.memory.test = channel
    return u8(Status.SUCCESS)


def _channel(stack: Stack, _fields: Reader) -> bytes:
    return u8(stack.memory.test or NO_CHANNEL)


HANDLERS: dict[int, Handler] = {
    0x83: _start,
    0x84: _end,
    0x8A: _set_channel,
    0x8B: _channel,
}
