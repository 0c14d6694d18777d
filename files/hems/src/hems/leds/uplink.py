"""Whether the Internet answers: ICMP echoes from an unprivileged socket, without waiting for them.

Targets are addresses: a broken DNS is another trouble.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

from hems.internet import ANSWER_BYTES, answered_sequence, echo_request, echo_socket
from hems.leds.core import is_reachable, targets_to_ask

RECENT = 8  # rounds; an answer to an older echo says nothing about now


class Uplink:
    """Sends echoes round by round and remembers when the last answer came."""

    def __init__(
        self, targets: Sequence[str], connect: Callable[[], socket.socket] = echo_socket
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
