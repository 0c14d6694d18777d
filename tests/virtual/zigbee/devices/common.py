"""Clusters that more than one product has."""

from __future__ import annotations

from tests.virtual.zigbee.zcl.server import Attribute, Cluster, Key, fixed
from tests.virtual.zigbee.zcl.types import Type, Value

BASIC = 0x0000
POWER = 0x0001
IDENTIFY = 0x0003
POLL_CONTROL = 0x0020
METERING = 0x0702
ELECTRICAL = 0x0B04

HOME_AUTOMATION = 0x0104

MAINS = 0x01  # Basic: power source
BATTERY = 0x03


def nothing() -> None:
    """Do what a command asks of a device that nobody looks at: blink, poll faster."""


def kept(type_: Type, value: Value) -> Attribute:
    """Return an attribute that is what was last written to it."""
    held = [value]

    def write(new: Value) -> bool:
        held[0] = new
        return True

    return Attribute(type_, lambda: held[0], write)


def basic(manufacturer: str, model: str, source: int, build: str) -> Cluster:
    """Return the Basic cluster (ZCL 3.2)."""
    attributes: dict[Key, Attribute] = {
        (None, 0x0000): fixed(Type.UINT8, 3),
        (None, 0x0001): fixed(Type.UINT8, 1),
        (None, 0x0003): fixed(Type.UINT8, 1),
        (None, 0x0004): fixed(Type.STRING, manufacturer),
        (None, 0x0005): fixed(Type.STRING, model),
        (None, 0x0006): fixed(Type.STRING, "20230101"),
        (None, 0x0007): fixed(Type.ENUM8, source),
        (None, 0x4000): fixed(Type.STRING, build),
        (None, 0xFFFD): fixed(Type.UINT16, 2),
    }
    return Cluster(attributes)


def identify() -> Cluster:
    """Return the Identify cluster (ZCL 3.5): it takes identify, query and trigger effect."""
    commands = dict.fromkeys((0x00, 0x01, 0x40), nothing)
    return Cluster({(None, 0x0000): kept(Type.UINT16, 0)}, commands)
