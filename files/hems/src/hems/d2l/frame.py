"""The frames of a D2L dongle, both ways: bytes to what they say and back. Pure.

Little-endian. Bytes 0 to 15 are in clear, the rest is AES-128-CBC, filled with zeros to whole
blocks (eeSmart's D2L protocol, version 3):

====== ==== ==========================================================
offset size field
====== ==== ==========================================================
     0    1 version, 3
     2    2 size of the whole frame, bytes
     4    8 the dongle's number (u64), shown as 12 digits
    12    1 bits 0-2: encryption, 1
    16   16 random: what makes two equal frames differ
    32    2 CRC-16/MODBUS of the decrypted frame without these two bytes
    34    2 size of the payload, bytes
    36    1 bits 0-6: type; bit 7: this is an answer
    37    1 bits 0-6: next command; bit 7: error
    38    n payload
====== ==== ==========================================================
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, replace
from enum import Enum, IntEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

VERSION = 3
ENCRYPTION = 1  # AES-128-CBC
BLOCK = 16  # bytes
CLEAR = 16  # bytes before what is encrypted
CRC_AT, CRC_END = 32, 34
HEAD = 38  # bytes before the payload
SMALLEST = 48  # bytes: a frame without a payload
LARGEST = 8192  # bytes; 1440 is the largest that was seen
MOST_DIGITS = 12  # of a dongle's number
SECONDS_TO_2016 = 1_451_606_400  # 2016-01-01 UTC, seconds since 1970


class Type(IntEnum):
    """What a frame is about."""

    FIRMWARE = 1  # a request for firmware: nothing is answered
    READING = 3  # a push: JSON, every value a string
    CLOCK = 5
    NO_INTERNET = 7


ANSWERED = (Type.READING, Type.CLOCK, Type.NO_INTERNET)


class Fault(Enum):
    """Why a frame is refused; the value is the reason in words."""

    SHORT = "it is shorter than a frame"
    VERSION = "it is not version 3 of the protocol"
    ENCRYPTION = "it is not encrypted by AES-128-CBC"
    SIZE = "its size can't be a frame's"
    NUMBER = "its dongle's number has more than 12 digits"
    KEY = "the key is wrong"
    IV = "the initialisation vector (IV) is wrong; the key is right"
    PAYLOAD = "its payload is longer than the frame"
    CONTENT = "its payload is not the JSON of a meter"


class FrameError(Exception):
    """A frame that can't be taken; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True)
class Header:
    """What a frame says in clear: its size in bytes and the dongle's number, 12 digits."""

    size: int
    dongle: str


@dataclass(frozen=True, repr=False)
class Key:
    """A dongle's key and initialisation vector, 16 bytes each; printed, it shows neither."""

    key: bytes
    iv: bytes

    def cipher(self) -> Cipher[modes.CBC]:
        """Return the cipher that both ways use."""
        return Cipher(algorithms.AES(self.key), modes.CBC(self.iv))


@dataclass(frozen=True)
class Frame:
    """A frame's content. ``random`` has 16 bytes; ``payload`` is at most LARGEST - HEAD bytes."""

    dongle: str
    random: bytes
    type: int
    payload: bytes = b""
    answer: bool = False
    next_command: int = 0
    error: bool = False


def crc16(data: bytes) -> int:
    """Return CRC-16/MODBUS (reflected 0xA001, starting from 0xFFFF)."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _crc_entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC_TABLE = tuple(_crc_entry(byte) for byte in range(256))


def header(data: bytes) -> Header:
    """Return what the first 16 bytes of a frame say.

    Raises FrameError when they can't be a frame's.
    """
    if len(data) < CLEAR:
        raise FrameError(Fault.SHORT)
    if data[0] != VERSION:
        raise FrameError(Fault.VERSION)
    size, number = struct.unpack_from("<HQ", data, 2)
    if data[12] & 0b111 != ENCRYPTION:
        raise FrameError(Fault.ENCRYPTION)
    if not SMALLEST <= size <= LARGEST or size % BLOCK:
        raise FrameError(Fault.SIZE)
    dongle = f"{number:0{MOST_DIGITS}d}"
    if len(dongle) > MOST_DIGITS:
        raise FrameError(Fault.NUMBER)
    return Header(size, dongle)


def decode(data: bytes, key: Key) -> Frame:
    """Return the content of one whole frame.

    Raises FrameError. A wrong initialisation vector spoils the first block alone, which is random
    anyway: what follows can be read, and only the CRC is wrong. A wrong key spoils everything.
    """
    head = header(data)
    if len(data) != head.size:
        raise FrameError(Fault.SIZE)
    decryptor = key.cipher().decryptor()
    plain = data[:CLEAR] + decryptor.update(data[CLEAR:]) + decryptor.finalize()
    crc, length, kind, command = struct.unpack_from("<HHBB", plain, CRC_AT)
    fits = HEAD + length <= head.size
    payload = plain[HEAD : HEAD + length]
    if crc != crc16(plain[:CRC_AT] + plain[CRC_END:]):
        rest = plain[HEAD + length :]
        raise FrameError(Fault.IV if fits and _is_plausible(kind, payload, rest) else Fault.KEY)
    if not fits:
        raise FrameError(Fault.PAYLOAD)
    return Frame(
        dongle=head.dongle,
        random=plain[CLEAR:CRC_AT],
        type=kind & 0x7F,
        payload=payload,
        answer=bool(kind & 0x80),
        next_command=command & 0x7F,
        error=bool(command & 0x80),
    )


def _is_plausible(kind: int, payload: bytes, filling: bytes) -> bool:
    """Whether this was decrypted by the right key: 1 in 2^64 of other ones look so, or fewer."""
    if kind & 0x7F not in tuple(Type) or any(filling):
        return False
    if payload:
        try:
            return isinstance(json.loads(payload), dict)
        except (ValueError, RecursionError):
            return False
    return len(filling) >= 8


def encode(frame: Frame, key: Key) -> bytes:
    """Return the bytes of a frame, encrypted and filled up.

    Raises ValueError when the payload or the random has a size that a frame can't have.
    """
    size = -(-(HEAD + len(frame.payload)) // BLOCK) * BLOCK
    if size > LARGEST or len(frame.random) != BLOCK:
        raise ValueError(f"a frame can't hold {len(frame.payload)} bytes")
    clear = struct.pack("<BxHQBxxx", VERSION, size, int(frame.dongle), ENCRYPTION)
    rest = struct.pack(
        "<HBB",
        len(frame.payload),
        frame.type | (0x80 if frame.answer else 0),
        frame.next_command | (0x80 if frame.error else 0),
    )
    rest = (rest + frame.payload).ljust(size - CRC_END, b"\0")
    crc = crc16(clear + frame.random + rest)
    encryptor = key.cipher().encryptor()
    secret = frame.random + struct.pack("<H", crc) + rest
    return clear + encryptor.update(secret) + encryptor.finalize()


def reply(request: Frame, now: float) -> Frame | None:
    """Return what the dongle is told: the time, or None for a frame that asks for nothing.

    ``now`` is seconds since 1970 (UTC).
    """
    if request.answer or request.type not in ANSWERED:
        return None
    seconds = max(0, min(int(now) - SECONDS_TO_2016, 0xFFFFFFFF))
    return replace(request, payload=struct.pack("<I", seconds), answer=True, error=False)


def reading(frame: Frame) -> dict[str, str]:
    """Return a push's labels and values, as the meter gave them; what is not ASCII is none of its.

    Raises FrameError.
    """
    try:
        found = json.loads(frame.payload)
    except (ValueError, RecursionError) as error:
        raise FrameError(Fault.CONTENT) from error
    if not isinstance(found, dict):
        raise FrameError(Fault.CONTENT)
    return {label: value for label, value in found.items() if _is_text(label, value)}


def _is_text(label: str, value: object) -> bool:
    return label.isascii() and isinstance(value, str) and value.isascii()
