"""ASH frames: what travels on a network co-processor's serial line. Pure.

Source: Silicon Labs UG101, "UART Gateway Protocol Reference": frame format (section 2), byte
stuffing and reserved bytes (4), data randomisation (4.3), CRC-16/CCITT (2.3).
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass

FLAG = 0x7E
ESCAPE = 0x7D
XON = 0x11
XOFF = 0x13
SUBSTITUTE = 0x18
CANCEL = 0x1A
RESERVED = frozenset({FLAG, ESCAPE, XON, XOFF, SUBSTITUTE, CANCEL})

VERSION = 2
RESET_POWER_ON = 0x02
RESET_SOFTWARE = 0x0B
ERROR_ACK_TIMEOUTS = 0x51  # "exceeded maximum ACK timeout count"

LONGEST = 133  # control byte, 128 bytes of data, CRC, and one to spare


class AshError(Exception):
    """A frame that can't be used; its text says why."""


@dataclass(frozen=True)
class Data:
    """A numbered frame with one EZSP frame in it; ``ack`` is the next number expected."""

    number: int
    ack: int
    payload: bytes
    again: bool = False


@dataclass(frozen=True)
class Ack:
    """Everything before ``ack`` has arrived."""

    ack: int
    busy: bool = False


@dataclass(frozen=True)
class Nak:
    """Frame ``ack`` did not arrive whole: send again from there."""

    ack: int
    busy: bool = False


@dataclass(frozen=True)
class Reset:
    """The host asks for a reboot."""


@dataclass(frozen=True)
class ResetAck:
    """The co-processor has rebooted."""

    code: int = RESET_SOFTWARE


@dataclass(frozen=True)
class Failed:
    """The co-processor has given up and waits for a reset."""

    code: int = ERROR_ACK_TIMEOUTS


Frame = Data | Ack | Nak | Reset | ResetAck | Failed


def _random_bytes(length: int) -> bytes:
    """Return the start of the sequence of UG101 4.3: an 8-bit LFSR, seed 0x42, taps 0xB8."""
    found = bytearray()
    state = 0x42
    for _ in range(length):
        found.append(state)
        state = (state >> 1) ^ (0xB8 if state & 1 else 0)
    return bytes(found)


_RANDOM = _random_bytes(LONGEST)


def randomise(data: bytes) -> bytes:
    """XOR with the fixed sequence; doing it twice gives ``data`` back."""
    return bytes(one ^ other for one, other in zip(data, _RANDOM, strict=False))


def stuff(data: bytes) -> bytes:
    """Replace reserved bytes by an escape and their complement in bit 5."""
    found = bytearray()
    for byte in data:
        found += bytes((ESCAPE, byte ^ 0x20)) if byte in RESERVED else bytes((byte,))
    return bytes(found)


def unstuff(data: bytes) -> bytes:
    """Undo ``stuff``. Raises AshError when the last byte is an escape."""
    found = bytearray()
    escaped = False
    for byte in data:
        if escaped:
            found.append(byte ^ 0x20)
            escaped = False
        elif byte == ESCAPE:
            escaped = True
        else:
            found.append(byte)
    if escaped:
        raise AshError("The frame ends within an escape sequence.")
    return bytes(found)


def encode(frame: Frame) -> bytes:
    """Return a frame as it travels, with CRC, stuffing and the closing flag."""
    match frame:
        case Data(number, ack, payload, again):
            body = bytes((number << 4 | again << 3 | ack,)) + randomise(payload)
        case Ack(ack, busy):
            body = bytes((0x80 | busy << 3 | ack,))
        case Nak(ack, busy):
            body = bytes((0xA0 | busy << 3 | ack,))
        case Reset():
            body = b"\xc0"
        case ResetAck(code):
            body = bytes((0xC1, VERSION, code))
        case Failed(code):
            body = bytes((0xC2, VERSION, code))
    return stuff(body + crc_hqx(body, 0xFFFF).to_bytes(2, "big")) + bytes((FLAG,))


def decode(raw: bytes) -> Frame:
    """Read what stood between two flags. Raises AshError."""
    whole = unstuff(raw)
    if len(whole) < 3:
        raise AshError("The frame is too short.")
    body, crc = whole[:-2], whole[-2:]
    if crc_hqx(body, 0xFFFF).to_bytes(2, "big") != crc:
        raise AshError("The frame's CRC is wrong.")
    control, rest = body[0], body[1:]
    if not control & 0x80:
        return Data(control >> 4 & 7, control & 7, randomise(rest), bool(control & 8))
    if control & 0xE0 == 0x80:
        return Ack(control & 7, bool(control & 8))
    if control & 0xE0 == 0xA0:
        return Nak(control & 7, bool(control & 8))
    if control == 0xC0:
        return Reset()
    if control in {0xC1, 0xC2} and len(rest) == 2 and rest[0] == VERSION:
        return ResetAck(rest[1]) if control == 0xC1 else Failed(rest[1])
    raise AshError(f"No frame begins with 0x{control:02X}.")


class Splitter:
    """Cuts a stream of bytes at its flags; holds no more than one longest frame."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._spoilt = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the raw frames that these bytes complete; b"" stands for a spoilt one."""
        found = []
        for byte in data:
            if byte == CANCEL:
                self._raw.clear()
                self._spoilt = False
            elif byte == FLAG:
                if self._spoilt:
                    found.append(b"")
                elif self._raw:
                    found.append(bytes(self._raw))
                self._raw.clear()
                self._spoilt = False
            elif byte == SUBSTITUTE or len(self._raw) >= 2 * LONGEST:
                self._spoilt = True
            elif byte not in {XON, XOFF}:
                self._raw.append(byte)
        return found
