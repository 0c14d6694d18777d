"""EZSP frames and the structures within them. Pure.

Source: Silicon Labs UG100, "EZSP Reference Guide": frame format (section 3), structures (4.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.virtual.zigbee.ezsp.wire import Reader, counted, u8, u16, u32

VERSION = 13
STACK_TYPE = 2
STACK_VERSION = 0x7440  # EmberZNet 7.4.4, whose EZSP is v13

_RESPONSE = 0x80
_ASYNCHRONOUS = 0x10
_FORMAT_1 = 0x01  # UG100 3.1: 16-bit frame ids


@dataclass(frozen=True)
class Command:
    """What a host asks; ``legacy`` is the short header, in which only `version` is asked."""

    sequence: int
    id: int
    parameters: bytes
    legacy: bool = False


def read_command(frame: bytes) -> Command:
    """Read a host's frame. Raises Short."""
    fields = Reader(frame)
    sequence, _control, third = fields.u8(), fields.u8(), fields.u8()
    if third == _FORMAT_1 and len(frame) >= 5:
        return Command(sequence, fields.u16(), fields.rest())
    return Command(sequence, third, fields.rest(), legacy=True)


def write_response(command: Command, parameters: bytes, id_: int | None = None) -> bytes:
    """Answer a command in the format it came in; ``id_`` for invalidCommand."""
    number = command.id if id_ is None else id_
    if command.legacy:
        return u8(command.sequence, _RESPONSE, number) + parameters
    return u8(command.sequence, _RESPONSE, _FORMAT_1) + u16(number) + parameters


def write_callback(sequence: int, id_: int, parameters: bytes) -> bytes:
    """Tell the host something that it has not asked for."""
    return u8(sequence, _RESPONSE | _ASYNCHRONOUS, _FORMAT_1) + u16(id_) + parameters


@dataclass(frozen=True)
class Aps:
    """An APS frame's header (EmberApsFrame)."""

    profile: int
    cluster: int
    source: int  # endpoints
    destination: int
    options: int = 0
    group: int = 0
    sequence: int = 0

    @classmethod
    def read(cls, fields: Reader) -> Aps:
        """Take one off the front."""
        return cls(
            fields.u16(),
            fields.u16(),
            fields.u8(),
            fields.u8(),
            fields.u16(),
            fields.u16(),
            fields.u8(),
        )

    def write(self) -> bytes:
        """Return its bytes."""
        return (
            u16(self.profile, self.cluster)
            + u8(self.source, self.destination)
            + u16(self.options, self.group)
            + u8(self.sequence)
        )


@dataclass(frozen=True)
class Parameters:
    """A network's parameters (EmberNetworkParameters)."""

    extended_pan_id: bytes
    pan_id: int
    tx_power: int
    channel: int
    join_method: int
    manager: int
    update_id: int
    channels: int

    @classmethod
    def read(cls, fields: Reader) -> Parameters:
        """Take one off the front."""
        return cls(
            fields.raw(8),
            fields.u16(),
            fields.u8(),
            fields.u8(),
            fields.u8(),
            fields.u16(),
            fields.u8(),
            fields.u32(),
        )

    def write(self) -> bytes:
        """Return its bytes."""
        return (
            self.extended_pan_id
            + u16(self.pan_id)
            + u8(self.tx_power, self.channel, self.join_method)
            + u16(self.manager)
            + u8(self.update_id)
            + u32(self.channels)
        )


NO_PARAMETERS = Parameters(bytes(8), 0xFFFF, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Security:
    """What a network is formed with (EmberInitialSecurityState)."""

    bitmask: int
    link_key: bytes
    network_key: bytes
    key_sequence: int
    trust_center: bytes

    @classmethod
    def read(cls, fields: Reader) -> Security:
        """Take one off the front."""
        return cls(fields.u16(), fields.raw(16), fields.raw(16), fields.u8(), fields.raw(8))


def incoming_message(kind: int, aps: Aps, sender: int, message: bytes) -> bytes:
    """Return the parameters of incomingMessageHandler; LQI and RSSI are those of a good link."""
    return (
        u8(kind)
        + aps.write()
        + u8(LQI, RSSI)
        + u16(sender)
        + u8(0xFF, 0xFF)  # neither binding nor address index
        + counted(message)
    )


LQI = 255
RSSI = -40
