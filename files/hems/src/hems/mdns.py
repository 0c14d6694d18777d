"""Ask for a name in the house's network as phones and browsers do: multicast DNS (RFC 6762).

A question from another port than 5353 is answered to that port (section 6.7, "legacy unicast").
"""

from __future__ import annotations

import socket
import struct
import time

GROUP, PORT = "224.0.0.251", 5353
ADDRESS, INTERNET = 1, 1  # record type A, class IN
NUMBER = 0x4845
ANSWER_BYTES = 1500


def question(name: str) -> bytes:
    """Return the DNS message (RFC 1035) that asks for a name's IPv4 address."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    header = struct.pack("!6H", NUMBER, 0, 1, 0, 0, 0)
    return header + labels + b"\0" + struct.pack("!2H", ADDRESS, INTERNET)


def is_answer(message: bytes) -> bool:
    """Whether a message answers ours with at least one record."""
    if len(message) < 12:
        return False
    number, flags, _, answers, _, _ = struct.unpack("!6H", message[:12])
    return number == NUMBER and bool(flags & 0x8000) and not flags & 0x000F and answers > 0


def answers(name: str, timeout: float) -> bool:
    """Whether anybody answers for a name within ``timeout`` seconds. Raises OSError."""
    deadline = time.monotonic() + timeout
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as client:
        client.sendto(question(name), (GROUP, PORT))
        while (left := deadline - time.monotonic()) > 0:
            client.settimeout(left)
            try:
                if is_answer(client.recv(ANSWER_BYTES)):
                    return True
            except TimeoutError:
                break
    return False
