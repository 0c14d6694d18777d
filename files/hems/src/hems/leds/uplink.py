"""Whether the internet answers: ICMP echoes from an unprivileged socket, without waiting for them.

The kernel gives such a socket (icmp(7), ``net.ipv4.ping_group_range``) its identifier and checksum,
and passes on only the answers to it. Targets are addresses: a broken DNS is another trouble.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Sequence

from hems.internet import ECHO_REPLY, echo_request
from hems.leds.core import is_reachable, targets_to_ask

ANSWER_BYTES = 128
RECENT = 8  # rounds; an answer to an older echo says nothing about now


def answered_sequence(packet: bytes) -> int | None:
    """Return the sequence number of an echo reply, None for anything else."""
    if len(packet) < 8 or packet[0] != ECHO_REPLY:
        return None
    return int(struct.unpack_from("!H", packet, 6)[0])


def icmp_socket() -> socket.socket:
    """Return a socket for echoes that never blocks.

    Raises OSError when this user's groups may not have one.
    """
    kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    return socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)


class Uplink:
    """Sends echoes round by round and remembers when the last answer came."""

    def __init__(
        self, targets: Sequence[str], connect: Callable[[], socket.socket] = icmp_socket
    ) -> None:
        self._targets = targets
        self._connect = connect
        self._socket: socket.socket | None = None
        self._turn = 0
        self._answered: float | None = None
        self.problem = ""  # why nothing can be sent, in a few words; "" when it can

    @property
    def handle(self) -> socket.socket | None:
        """What to wait for with select."""
        return self._socket

    def ask(self, now: float) -> None:
        """Send this round's echoes."""
        try:
            if self._socket is None:
                self._socket = self._connect()
            self.problem = ""
        except OSError as error:
            self.problem = error.strerror or str(error)
            return
        self._turn = (self._turn + 1) % 0x10000
        for target in targets_to_ask(self._targets, self._turn, self._answered, now):
            try:
                self._socket.sendto(echo_request(self._turn), (target, 0))
            except OSError:
                continue  # no route: it counts as not answered

    def receive(self, now: float) -> None:
        """Take what has come in."""
        while self._socket is not None:
            try:
                packet = self._socket.recv(ANSWER_BYTES)
            except OSError:
                return  # nothing more, or an earlier echo's error
            sequence = answered_sequence(packet)
            if sequence is not None and (self._turn - sequence) % 0x10000 < RECENT:
                self._answered = now

    def is_reachable(self, now: float) -> bool:
        """Return whether a target answered of late."""
        return is_reachable(self._answered, now)

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
