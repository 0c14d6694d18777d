"""The form of ``mosquitto.db``: Mosquitto's persistence, version 6. Pure.

Source: persist.h of Mosquitto 2.0. A header, then chunks of a type and a length, each with a fixed
part whose counts must fit into it. Mosquitto itself ends when it can't read one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"\0\xb5\0mosquitto db"
HEADER = struct.Struct(">15sII")  # magic, checksum (unused), version
CHUNK = struct.Struct(">II")  # type, length of what follows
VERSION = 6  # of Mosquitto 2.0; another one's form is not known here, and not judged
NO_FORM = "it was no database of Mosquitto"
SHORT = "it was cut short"
DAMAGED = "it was damaged"


@dataclass(frozen=True)
class Chunk:
    """A kind of chunk: its fixed part, and which of its fields count bytes that follow it."""

    fixed: struct.Struct
    counts: tuple[int, ...]

    def fits(self, body: bytes) -> bool:
        """Tell whether what it counts is in it."""
        if len(body) < self.fixed.size:
            return False
        fields: tuple[int, ...] = self.fixed.unpack_from(body)
        return self.fixed.size + sum(fields[at] for at in self.counts) <= len(body)


CHUNKS = {
    1: Chunk(struct.Struct(">QBB"), ()),  # settings
    # message: id, expiry, payload, source's mid, id and user name, topic, port, QoS, retain
    2: Chunk(struct.Struct(">QqI5HBB"), (2, 4, 5, 6)),
    3: Chunk(struct.Struct(">QHHBBBB"), (2,)),  # queued: message, mid, client's id, …
    4: Chunk(struct.Struct(">Q"), ()),  # retained: message
    5: Chunk(struct.Struct(">IHHBB2x"), (1, 2)),  # subscription: identifier, client's id, topic
    6: Chunk(struct.Struct(">qIHHHH"), (3, 5)),  # client: expiry, interval, mid, id, port, name
}


def check(content: bytes, _size: int = 0) -> str:
    """Return what is wrong with the database, or nothing."""
    if len(content) < HEADER.size:
        return SHORT if MAGIC.startswith(content[: len(MAGIC)]) else NO_FORM
    magic, _, version = HEADER.unpack_from(content)
    if magic != MAGIC:
        return NO_FORM
    if version != VERSION:
        return ""
    at = HEADER.size
    while at < len(content):
        if at + CHUNK.size > len(content):
            return SHORT
        kind, length = CHUNK.unpack_from(content, at)
        at += CHUNK.size
        if kind not in CHUNKS:
            return DAMAGED
        if at + length > len(content):
            return SHORT
        if not CHUNKS[kind].fits(content[at : at + length]):
            return DAMAGED
        at += length
    return "" if at > HEADER.size else SHORT
