"""Whether Home Assistant answers HTTP: one request a round on loopback, without waiting for it.

It asks for the web app's manifest, which is given without a log-in: credentials that were wrong
would get loopback banned.

The request is written by hand because of the daemon's memory, which is bound to 25 MB: it holds
21.2 MB (VmRSS on amd64, Python 3.13); http.client would add 4.7 MB, asyncio 5.4 MB.
"""

from __future__ import annotations

import os
import socket

LOOPBACK = "127.0.0.1"
TIMEOUT_SECONDS = 5.0
ANSWER_BYTES = 65536
REQUEST = "GET /manifest.json HTTP/1.0\r\nHost: {}:{}\r\nConnection: close\r\n\r\n"


def judge(answer: bytes) -> bool:
    """Return whether a whole answer is Home Assistant's."""
    head, _, body = answer.partition(b"\r\n\r\n")
    version, _, rest = head.partition(b" ")
    return version.startswith(b"HTTP/1.") and rest[:3] == b"200" and b"Assistant" in body


class HomeAssistant:
    """Asks once a round; a request that is not answered in time means no."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._asked = 0.0
        self._sent = False
        self._answer = b""
        self.answers = False

    @property
    def reading(self) -> socket.socket | None:
        """What to wait for with select until it can be read."""
        return self._socket if self._sent else None

    @property
    def writing(self) -> socket.socket | None:
        """What to wait for with select until it can be written."""
        return None if self._sent else self._socket

    def ask(self, now: float) -> None:
        """Begin a request, unless one is under way and has time left."""
        if self._socket is not None:
            if now - self._asked < TIMEOUT_SECONDS:
                return
            self._finish(False)
        kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_INET, kind)
        self._asked, self._sent, self._answer = now, False, b""
        try:
            self._socket.connect((LOOPBACK, self._port))
        except BlockingIOError:
            return
        except OSError:
            self._finish(False)

    def proceed(self) -> None:
        """Send or receive, as far as it goes."""
        if self._socket is None:
            return
        try:
            if not self._sent:
                self._send(self._socket)
            else:
                self._receive(self._socket)
        except BlockingIOError:
            return
        except OSError:
            self._finish(False)

    def close(self) -> None:
        """Give up the request that is under way."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, client: socket.socket) -> None:
        if problem := client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(problem, os.strerror(problem))
        client.send(REQUEST.format(LOOPBACK, self._port).encode())  # fits an empty buffer
        self._sent = True

    def _receive(self, client: socket.socket) -> None:
        part = client.recv(ANSWER_BYTES)
        self._answer += part
        if not part or len(self._answer) >= ANSWER_BYTES or judge(self._answer):
            self._finish(judge(self._answer))

    def _finish(self, answers: bool) -> None:
        self.close()
        self.answers = answers
