"""Packs of git that nobody should take: one without an end, one that swells in the memory.

The format is gitformat-pack(5)'s: a head, then each object's kind and size before its data, which
zlib has packed, and a hash at the end.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator

TREE, BLOB = 2, 3
ENDLESS = 2**40  # bytes that the object is said to have
STORED = 65_000  # bytes of one block that zlib has not packed (RFC 1951, 3.2.4); 65,535 at most
PART = 65_515  # bytes; a line of git's protocol takes no more, gitprotocol-common(5)


def _head(kind: int, size: int) -> bytes:
    """Return the head of a pack with one object, and that of the object."""
    found, left = bytearray(), size >> 4
    byte = kind << 4 | size & 15
    while left:
        found.append(byte | 0x80)
        byte, left = left & 0x7F, left >> 7
    return b"PACK" + struct.pack(">II", 2, 1) + bytes([*found, byte])


def endless() -> Iterator[bytes]:
    """A file of nothing but zeros, as large on the way as it is."""
    yield _head(BLOB, ENDLESS) + b"\x78\x01"  # zlib's own head, RFC 1950
    block = b"\x00" + struct.pack("<HH", STORED, STORED ^ 0xFFFF) + bytes(STORED)
    while True:
        yield block


def swelling(size: int) -> Iterator[bytes]:
    """A directory of nothing but zeros: small on the way, and git has it in the memory whole."""
    packer, zeros = zlib.compressobj(1), bytes(1024 * 1024)
    content = _head(TREE, size)
    content += b"".join(packer.compress(zeros) for _ in range(size // len(zeros)))
    content += packer.flush()
    content += hashlib.sha1(content, usedforsecurity=False).digest()
    for begin in range(0, len(content), PART):
        yield content[begin : begin + PART]


def in_place(body: bytes, pack: Iterator[bytes]) -> Iterator[bytes]:
    """Return an answer of git's with another pack in it, gitprotocol-pack(5)."""
    yield body[: body.index(b"PACK") - 5]  # and not the length and the band of the line
    for part in pack:
        yield b"%04x\x01" % (len(part) + 5) + part
    yield b"0000"
