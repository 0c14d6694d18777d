"""Zigbee Device Objects: what a node says about itself, its bindings, and how it leaves.

Source: Zigbee specification 05-3474, sections 2.3.2 (descriptors) and 2.4 (device profile).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.virtual.zigbee.ezsp.frames import Aps
from tests.virtual.zigbee.ezsp.wire import Reader, u8, u16
from tests.virtual.zigbee.management import Neighbour, Route, Update, scan

PROFILE = 0x0000
ANNOUNCE = 0x0013
NETWORK_UPDATE = 0x0038
RESPONSE = 0x8000

SUCCESS = 0x00
INVALID_REQUEST_TYPE = 0x80
INVALID_ENDPOINT = 0x82
NOT_ACTIVE = 0x83
NOT_SUPPORTED = 0x84
NO_ENTRY = 0x88

COORDINATOR = 0
ROUTER = 1
END_DEVICE = 2
ENTRIES = 3  # of a table, in one answer
LONGEST_SCAN, CHANGE_CHANNEL, CHANGE_MANAGER = 0x05, 0xFE, 0xFF  # as a scan's duration
BAND_2400_MHZ = 0x40  # in the node descriptor's second byte


@dataclass(frozen=True)
class Descriptor:
    """A node descriptor (2.3.2.3); sizes in bytes."""

    kind: int
    capabilities: int  # MAC: who it is to its parent
    manufacturer: int
    largest_frame: int = 82
    largest_incoming: int = 82
    largest_outgoing: int = 82
    server_mask: int = 0x2C00

    def write(self) -> bytes:
        """Return its 13 bytes."""
        return (
            u8(self.kind, BAND_2400_MHZ, self.capabilities)
            + u16(self.manufacturer)
            + u8(self.largest_frame)
            + u16(self.largest_incoming, self.server_mask, self.largest_outgoing)
            + u8(0)
        )


@dataclass(frozen=True)
class Endpoint:
    """A simple descriptor (2.3.2.5)."""

    profile: int
    device_type: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...] = ()
    version: int = 0

    def write(self, number: int) -> bytes:
        """Return its bytes."""
        return (
            u8(number)
            + u16(self.profile, self.device_type)
            + u8(self.version, len(self.inputs))
            + u16(*self.inputs)
            + u8(len(self.outputs))
            + u16(*self.outputs)
        )


@dataclass(frozen=True)
class Binding:
    """Where a cluster's reports go."""

    endpoint: int
    cluster: int
    target: bytes  # EUI64
    target_endpoint: int


@dataclass
class Node:
    """What the device profile needs to know of a node."""

    address: int
    eui64: bytes
    descriptor: Descriptor
    endpoints: dict[int, Endpoint]
    bindings: list[Binding] = field(default_factory=list)
    power: tuple[int, int] = (0x10, 0xC1)  # node power descriptor: mains, full
    leave: Callable[[], None] = lambda: None
    bound: Callable[[], None] = lambda: None  # bindings have changed
    neighbours: Sequence[Neighbour] = ()
    routes: Sequence[Route] = ()
    update: Callable[[Update], None] = lambda _: None


def announcement(node: Node, sequence: int) -> bytes:
    """Return the payload of Device_annce (2.4.3.1.11)."""
    return u8(sequence) + u16(node.address) + node.eui64 + u8(node.descriptor.capabilities)


def is_network_update(aps: Aps) -> bool:
    """Whether it is Mgmt_NWK_Update_req: sent to everybody, nobody answers it."""
    return aps.profile == PROFILE and aps.destination == 0 and aps.cluster == NETWORK_UPDATE


def answer(node: Node, cluster: int, payload: bytes) -> bytes | None:
    """Return the payload of the response (its cluster has bit 15 set); None where none is due.

    Raises Short.
    """
    if cluster & RESPONSE or cluster == ANNOUNCE:
        return None
    fields = Reader(payload)
    sequence = u8(fields.u8())
    handler = _REQUESTS.get(cluster)
    if handler is None:
        return sequence + u8(NOT_SUPPORTED)
    found = handler(node, fields)
    return None if found is None else sequence + found


def _network_address(node: Node, fields: Reader) -> bytes | None:
    if fields.raw(8) != node.eui64:
        return None
    return u8(SUCCESS) + node.eui64 + u16(node.address)


def _extended_address(node: Node, _fields: Reader) -> bytes:
    return u8(SUCCESS) + node.eui64 + u16(node.address)


def _node(node: Node, _fields: Reader) -> bytes:
    return u8(SUCCESS) + u16(node.address) + node.descriptor.write()


def _power(node: Node, _fields: Reader) -> bytes:
    return u8(SUCCESS) + u16(node.address) + u8(*node.power)


def _simple(node: Node, fields: Reader) -> bytes:
    fields.u16()
    number = fields.u8()
    endpoint = node.endpoints.get(number)
    if endpoint is None:
        status = NOT_ACTIVE if 1 <= number <= 254 else INVALID_ENDPOINT
        return u8(status) + u16(node.address) + u8(0)
    found = endpoint.write(number)
    return u8(SUCCESS) + u16(node.address) + u8(len(found)) + found


def _active(node: Node, _fields: Reader) -> bytes:
    return u8(SUCCESS) + u16(node.address) + u8(len(node.endpoints), *sorted(node.endpoints))


def _match(node: Node, fields: Reader) -> bytes:
    fields.u16()
    profile = fields.u16()
    inputs = {fields.u16() for _ in range(fields.u8())}
    outputs = {fields.u16() for _ in range(fields.u8())}
    found = [
        number
        for number, endpoint in sorted(node.endpoints.items())
        if endpoint.profile == profile
        and (inputs & set(endpoint.inputs) or outputs & set(endpoint.outputs))
    ]
    return u8(SUCCESS) + u16(node.address) + u8(len(found), *found)


def _binding(fields: Reader) -> Binding | None:
    fields.raw(8)
    endpoint, cluster, mode = fields.u8(), fields.u16(), fields.u8()
    if mode != 3:
        return None  # to a group: no device here reports to one
    return Binding(endpoint, cluster, fields.raw(8), fields.u8())


def _bind(node: Node, fields: Reader) -> bytes:
    binding = _binding(fields)
    if binding is None:
        return u8(NOT_SUPPORTED)
    if binding not in node.bindings:
        node.bindings.append(binding)
        node.bound()
    return u8(SUCCESS)


def _unbind(node: Node, fields: Reader) -> bytes:
    binding = _binding(fields)
    if binding not in node.bindings:
        return u8(NO_ENTRY)
    node.bindings.remove(binding)
    node.bound()
    return u8(SUCCESS)


def _part(fields: Reader, table: Sequence[bytes]) -> bytes:
    start = fields.u8()
    entries = table[start : start + ENTRIES]
    return u8(SUCCESS, len(table), start, len(entries)) + b"".join(entries)


def _neighbours(node: Node, fields: Reader) -> bytes:
    if node.descriptor.kind == END_DEVICE:
        return u8(NOT_SUPPORTED)
    return _part(fields, [one.write() for one in node.neighbours])


def _routes(node: Node, fields: Reader) -> bytes:
    if node.descriptor.kind == END_DEVICE:
        return u8(NOT_SUPPORTED)
    return _part(fields, [one.write() for one in node.routes])


def _bindings(node: Node, fields: Reader) -> bytes:
    def written(entry: Binding) -> bytes:
        place = node.eui64 + u8(entry.endpoint) + u16(entry.cluster)
        return place + u8(3) + entry.target + u8(entry.target_endpoint)

    return _part(fields, [written(entry) for entry in node.bindings])


def _network_update(node: Node, fields: Reader) -> bytes:
    """Scan, or do what a network's manager asks (2.4.3.3.9)."""
    channels, duration = fields.u32(), fields.u8()
    if duration == CHANGE_CHANNEL:
        if channels.bit_count() != 1:
            return u8(INVALID_REQUEST_TYPE) + bytes(9)
        node.update(Update(fields.u8(), channel=channels.bit_length() - 1))
        return u8(SUCCESS) + bytes(9)
    if duration == CHANGE_MANAGER:
        node.update(Update(fields.u8(), channels=channels, manager=fields.u16()))
        return u8(SUCCESS) + bytes(9)
    if duration > LONGEST_SCAN or node.descriptor.kind == END_DEVICE:
        wrong = INVALID_REQUEST_TYPE if duration > LONGEST_SCAN else NOT_SUPPORTED
        return u8(wrong) + bytes(9)
    return u8(SUCCESS) + scan(channels)


def _leave(node: Node, _fields: Reader) -> bytes:
    node.leave()
    return u8(SUCCESS)


def _permit(_node: Node, _fields: Reader) -> bytes:
    return u8(SUCCESS)


_REQUESTS: dict[int, Callable[[Node, Reader], bytes | None]] = {
    0x0000: _network_address,
    0x0001: _extended_address,
    0x0002: _node,
    0x0003: _power,
    0x0004: _simple,
    0x0005: _active,
    0x0006: _match,
    0x0021: _bind,
    0x0022: _unbind,
    0x0031: _neighbours,
    0x0032: _routes,
    0x0033: _bindings,
    0x0034: _leave,
    0x0036: _permit,
    NETWORK_UPDATE: _network_update,
}
