"""ZCL frames. Pure. Source: Zigbee Cluster Library specification 07-5123, section 2.4."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from tests.virtual.zigbee.ezsp.wire import Reader, u8, u16


class Command(IntEnum):
    """Commands that every cluster has (section 2.5)."""

    READ = 0x00
    READ_RESPONSE = 0x01
    WRITE = 0x02
    WRITE_UNDIVIDED = 0x03
    WRITE_RESPONSE = 0x04
    WRITE_SILENTLY = 0x05
    CONFIGURE_REPORTING = 0x06
    CONFIGURE_REPORTING_RESPONSE = 0x07
    READ_REPORTING = 0x08
    READ_REPORTING_RESPONSE = 0x09
    REPORT = 0x0A
    DEFAULT_RESPONSE = 0x0B
    DISCOVER = 0x0C
    DISCOVER_RESPONSE = 0x0D


class Status(IntEnum):
    """Section 2.6.3."""

    SUCCESS = 0x00
    MALFORMED = 0x80
    UNSUPPORTED_CLUSTER_COMMAND = 0x81
    UNSUPPORTED_GENERAL_COMMAND = 0x82
    UNSUPPORTED_ATTRIBUTE = 0x86
    INVALID_VALUE = 0x87
    READ_ONLY = 0x88
    NOT_FOUND = 0x8B
    UNREPORTABLE = 0x8C
    INVALID_TYPE = 0x8D
    UNSUPPORTED_CLUSTER = 0xC3


@dataclass(frozen=True)
class Frame:
    """One ZCL frame."""

    sequence: int
    command: int
    payload: bytes
    cluster_specific: bool = False
    manufacturer: int | None = None
    from_server: bool = False
    no_default_response: bool = False

    @classmethod
    def read(cls, data: bytes) -> Frame:
        """Read a frame. Raises Short."""
        fields = Reader(data)
        control = fields.u8()
        manufacturer = fields.u16() if control & 0x04 else None
        sequence, command = fields.u8(), fields.u8()
        return cls(
            sequence,
            command,
            fields.rest(),
            cluster_specific=bool(control & 0x03),
            manufacturer=manufacturer,
            from_server=bool(control & 0x08),
            no_default_response=bool(control & 0x10),
        )

    def write(self) -> bytes:
        """Return its bytes."""
        control = (
            int(self.cluster_specific)
            | (0x04 if self.manufacturer is not None else 0)
            | (0x08 if self.from_server else 0)
            | (0x10 if self.no_default_response else 0)
        )
        maker = b"" if self.manufacturer is None else u16(self.manufacturer)
        return u8(control) + maker + u8(self.sequence, self.command) + self.payload

    def answer(self, command: Command, payload: bytes) -> Frame:
        """Return the answer to it, which goes the other way."""
        return Frame(
            self.sequence,
            command,
            payload,
            manufacturer=self.manufacturer,
            from_server=not self.from_server,
            no_default_response=True,
        )
