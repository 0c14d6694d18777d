"""Answers of a time server: RFC 4330, sections 4 and 6."""

from __future__ import annotations

import socket
import struct
import time

PORT = 123
SIZE = 48  # bytes of a message without authenticator
EPOCH = 2_208_988_800  # s from 1900, where NTP begins to count, to 1970
CLIENT, SERVER = 3, 4  # modes
STRATUM = 3  # a server that has its time from another one
PRECISION = -20  # log2 s
DISPERSION = 0x100  # in 1/65536 s: 4 ms
# Big-endian: flags, stratum, poll, precision, root delay and dispersion, reference, four times.
FORM = ">BBBbII4s8s8s8s8s"


def stamp(seconds: float) -> bytes:
    """Return a moment (s since 1970) as 32 bits of seconds since 1900 and 32 bits of fraction."""
    whole = int(seconds)
    return struct.pack(">II", (whole + EPOCH) % 2**32, int((seconds - whole) * 2**32))


def answer(request: bytes, received: float, sent: float) -> bytes | None:
    """Return the answer to a client's message, times in s since 1970; None if it is none."""
    if len(request) < SIZE or request[0] & 7 != CLIENT:
        return None
    version = request[0] >> 3 & 7
    return struct.pack(
        FORM,
        version << 3 | SERVER,
        *(STRATUM, request[2], PRECISION),
        *(0, DISPERSION, b"LOCL"),
        *(stamp(received), request[40:48], stamp(received), stamp(sent)),
    )


def serve(address: str) -> None:
    """Answer for ever."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind((address, PORT))
        while True:
            request, client = wire.recvfrom(SIZE * 2)
            received = time.time()
            if reply := answer(request, received, time.time()):
                wire.sendto(reply, client)
