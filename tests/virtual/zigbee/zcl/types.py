"""ZCL data types: their numbers and their bytes. Pure.

Source: Zigbee Cluster Library specification 07-5123, section 2.6.2.
"""

from __future__ import annotations

from enum import IntEnum

from tests.virtual.zigbee.ezsp.wire import Reader, counted

Value = int | str


class Type(IntEnum):
    """The types that the simulated devices use or may be asked to take."""

    BOOL = 0x10
    MAP8 = 0x18
    MAP16 = 0x19
    MAP24 = 0x1A
    MAP32 = 0x1B
    UINT8 = 0x20
    UINT16 = 0x21
    UINT24 = 0x22
    UINT32 = 0x23
    UINT40 = 0x24
    UINT48 = 0x25
    INT8 = 0x28
    INT16 = 0x29
    INT24 = 0x2A
    INT32 = 0x2B
    ENUM8 = 0x30
    ENUM16 = 0x31
    OCTETS = 0x41
    STRING = 0x42
    UTC = 0xE2
    EUI64 = 0xF0


_LENGTHS = {
    Type.BOOL: 1,
    Type.MAP8: 1,
    Type.MAP16: 2,
    Type.MAP24: 3,
    Type.MAP32: 4,
    Type.UINT8: 1,
    Type.UINT16: 2,
    Type.UINT24: 3,
    Type.UINT32: 4,
    Type.UINT40: 5,
    Type.UINT48: 6,
    Type.INT8: 1,
    Type.INT16: 2,
    Type.INT24: 3,
    Type.INT32: 4,
    Type.ENUM8: 1,
    Type.ENUM16: 2,
    Type.UTC: 4,
    Type.EUI64: 8,
}
_SIGNED = range(Type.INT8, Type.INT32 + 1)
_ANALOG = frozenset({*range(Type.UINT8, Type.INT32 + 1), Type.UTC})


def analog(type_: Type) -> bool:
    """Whether a change of the value can be measured, and has a field in configure reporting."""
    return type_ in _ANALOG


def write(type_: Type, value: Value) -> bytes:
    """Return a value's bytes; a number that does not fit is cut off at the type's ends."""
    if isinstance(value, str):
        return counted(value.encode("ascii"))
    length = _LENGTHS[type_]
    signed = type_ in _SIGNED
    top = 1 << (8 * length - signed)
    bounded = min(max(value, -top if signed else 0), top - 1)
    return bounded.to_bytes(length, "little", signed=signed)


def read(type_: Type, fields: Reader) -> Value:
    """Take a value off the front."""
    if type_ in {Type.OCTETS, Type.STRING}:
        return fields.counted().decode("latin-1")
    return fields.number(_LENGTHS[type_], signed=type_ in _SIGNED)
