"""HTTP to the services on the box itself: one request, one answer, within a time and a size."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any

LOOPBACK = "127.0.0.1"
TIMEOUT_SECONDS = 5.0
ANSWER_BYTES = 65536


class NamedContext(ssl.SSLContext):
    """TLS to loopback by the box's name: a certificate is for that, not for 127.0.0.1."""

    name: str

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        """Wrap a socket as one to ``name``."""
        return super().wrap_socket(*args, **{**options, "server_hostname": self.name})


def context(name: str, ca_file: str | None = None) -> NamedContext:
    """Return TLS to ``name``; without a CA's file it trusts whatever certificate is shown.

    Raises OSError when the file can't be used.
    """
    made = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    made.name = name
    if ca_file is None:
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    else:
        made.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        made.load_verify_locations(ca_file)
    return made


def exchange(
    port: int,
    method: str,
    path: str,
    body: str | bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    timeout: float = TIMEOUT_SECONDS,
    most: int = ANSWER_BYTES,
    tls: NamedContext | None = None,
) -> tuple[int, bytes]:
    """Return the status and at most ``most`` bytes of the answer to one request.

    The whole of it takes at most ``timeout`` seconds. Raises OSError when nobody answers in time,
    ValueError when the answer isn't HTTP.
    """
    connection = (
        http.client.HTTPSConnection(LOOPBACK, port, timeout=timeout, context=tls)
        if tls
        else http.client.HTTPConnection(LOOPBACK, port, timeout=timeout)
    )
    late = threading.Event()
    with closing(connection):
        try:
            connection.connect()
            with _cut_after(timeout, connection.sock, late):
                connection.request(method, path, body, dict(headers or {}))
                answer = connection.getresponse()
                found = answer.status, answer.read(most)
        except (OSError, http.client.HTTPException) as error:
            if late.is_set():
                raise TimeoutError("timed out") from error
            if isinstance(error, http.client.HTTPException):
                raise ValueError("the answer isn't HTTP") from error
            raise
    if late.is_set():
        raise TimeoutError("timed out")
    return found


@contextmanager
def _cut_after(seconds: float, client: socket.socket, late: threading.Event) -> Iterator[None]:
    """Bound the whole of an exchange: http.client's time-out is for each piece of the answer."""

    def cut() -> None:
        late.set()
        with suppress(OSError):  # closed this very moment
            client.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
