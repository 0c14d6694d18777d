"""What nodes tell a network's manager, and what it asks of them. Pure.

Source: Zigbee specification 05-3474, sections 2.4.3.3 and 2.4.4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from tests.virtual.zigbee.ezsp.wire import u8, u16, u32

CHANNELS = range(11, 27)
QUIET = 40  # energy on a channel that nobody uses, 0 to 255
GOOD_LINK = 255


class Relation(IntEnum):
    """What a neighbour is to the node that tells of it."""

    PARENT = 0
    CHILD = 1
    SIBLING = 2


@dataclass(frozen=True)
class Neighbour:
    """Who a node hears (Mgmt_Lqi_rsp, 2.4.4.3.2); ``awake`` is one that listens when idle."""

    extended_pan_id: bytes
    eui64: bytes
    address: int
    kind: int
    awake: bool
    relation: Relation
    depth: int

    def write(self) -> bytes:
        """Return its 22 bytes."""
        flags = self.kind | self.awake << 2 | self.relation << 4
        place = self.extended_pan_id + self.eui64 + u16(self.address)
        return place + u8(flags, 0, self.depth, GOOD_LINK)


@dataclass(frozen=True)
class Route:
    """A route that is in use (Mgmt_Rtg_rsp, 2.4.4.3.3)."""

    target: int
    next_hop: int
    many_to_one: bool = False

    def write(self) -> bytes:
        """Return its 5 bytes."""
        return u16(self.target) + u8(self.many_to_one << 4) + u16(self.next_hop)


@dataclass(frozen=True)
class Update:
    """What a node is to be from now on; None is left as it is."""

    update_id: int
    channel: int | None = None
    channels: int | None = None  # mask
    manager: int | None = None


def scan(channels: int) -> bytes:
    """Return what an energy scan of these channels (a mask) finds: a quiet band."""
    scanned = [channel for channel in CHANNELS if channels >> channel & 1]
    mask = sum(1 << channel for channel in scanned)
    energies = u8(*(QUIET + channel % 3 for channel in scanned))
    return u32(mask) + u16(0, 0) + u8(len(scanned)) + energies
