"""Whether the Internet is there: ICMP echo (RFC 792) to several hosts at once, unprivileged.

Where a network drops echoes, a host that takes a TCP connection shows it as well.

Linux lets the groups in ``net.ipv4.ping_group_range`` open an ICMP socket of type SOCK_DGRAM: the
kernel chooses the identifier and passes only answers to it on. What is left to do is eight bytes;
a library for it would bring asyncio into the LED daemon, which has no memory for that.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Sequence

ECHO_REQUEST = 8
ECHO_REPLY = 0
ANSWER_BYTES = 128
PORTS = (443, 53)  # what public name servers listen on


def echo_socket() -> socket.socket:
    """Return a socket for echoes that never blocks.

    Raises OSError when this user's groups may not have one.
    """
    kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    return socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)


def may_ask() -> bool:
    """Whether this process may send echo requests at all: where not, silence means nothing."""
    try:
        echo_socket().close()
    except OSError:
        return False
    return True


def echo_request(sequence: int) -> bytes:
    """Return an ICMP echo request; the kernel fills in identifier and checksum."""
    return struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, 0, sequence) + b"hems"


def answered_sequence(packet: bytes) -> int | None:
    """Return the sequence number of an echo reply, None for anything else."""
    if len(packet) < 8 or packet[0] != ECHO_REPLY:
        return None
    return int(struct.unpack_from("!H", packet, 6)[0])


def reachable(targets: Sequence[str], timeout: float = 3.0) -> str | None:
    """Return the first target (an IPv4 address) that answers within ``timeout`` seconds.

    None when none does; never raises. A name works too, but may wait for DNS beyond the time-out.
    """
    deadline = time.monotonic() + timeout
    try:
        client = echo_socket()
    except OSError:
        return None
    with client:
        asked = {}
        for sequence, target in enumerate(targets, start=1):
            try:
                client.sendto(echo_request(sequence), (target, 0))
                asked[sequence] = target
            except OSError:
                continue  # no route, or a name that nobody resolves: as good as no answer
        return _first_answer(client, asked, deadline) if asked else None


def connects(target: str, port: int, timeout: float) -> bool:
    """Whether a target (an IPv4 address) takes a TCP connection within ``timeout`` seconds."""
    try:
        socket.create_connection((target, port), timeout).close()
    except OSError:
        return False
    return True


def _first_answer(client: socket.socket, asked: dict[int, str], deadline: float) -> str | None:
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([client], [], [], left)[0]:
            return None
        try:
            sequence = answered_sequence(client.recv(ANSWER_BYTES))
        except OSError:
            continue  # an ICMP error for one of them
        if sequence in asked:
            return asked[sequence]
    return None
