"""A broker of one client at a time, in MQTT 5, which refuses what it is told to refuse."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

CONNECT, PUBLISH, SUBSCRIBE, DISCONNECT = 0x10, 0x30, 0x80, 0xE0
NOT_AUTHORISED = 0x87


@dataclass
class FakeBroker:
    """``connack``, ``suback`` and ``puback`` are its reason codes; it notes what it was sent."""

    connack: int = 0
    suback: int = 1  # granted, QoS 1
    puback: int = 0
    mute: bool = False  # takes messages, and passes none on
    port: int = 0
    messages: list[tuple[str, bytes, bool]] = field(default_factory=list)

    def answer(self, kind: int, body: bytes) -> bytes:
        """Return what is sent back for one packet."""
        if kind & 0xF0 == CONNECT:
            return bytes([0x20, 3, 0, self.connack, 0])
        if kind & 0xF0 == SUBSCRIBE:
            return bytes([0x90, 4, *body[:2], 0, self.suback])
        if kind & 0xF0 != PUBLISH:
            return b""
        end = 2 + int.from_bytes(body[:2], "big")
        topic, number, payload = body[2:end], body[end : end + 2], body[end + 3 :]
        self.messages.append((topic.decode(), payload, bool(kind & 1)))
        taken = bytes([0x40, 4, *number, self.puback, 0])
        passed_on = body[:end] + b"\0" + payload
        return taken if self.mute else taken + bytes([PUBLISH, len(passed_on)]) + passed_on

    def serve(self, client: socket.socket) -> None:
        """Answer packets until the client goes."""
        with client, client.makefile("rb") as stream:
            while head := stream.read(1):
                length = shift = 0
                while True:
                    (part,) = stream.read(1)
                    length |= (part & 0x7F) << shift
                    shift += 7
                    if not part & 0x80:
                        break
                body = stream.read(length)
                if head[0] == DISCONNECT:
                    return
                client.sendall(self.answer(head[0], body))


@contextmanager
def listening(broker: FakeBroker, certificate: Path | None = None) -> Iterator[FakeBroker]:
    """Let it listen on loopback, by TLS with that certificate."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        broker.port = server.getsockname()[1]

        def run() -> None:
            with suppress(OSError, ValueError):  # closed, or left in the middle of a packet
                while True:
                    client, _ = server.accept()
                    with suppress(ssl.SSLError, ConnectionError):
                        broker.serve(_tls(client, certificate) if certificate else client)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield broker
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _tls(client: socket.socket, certificate: Path) -> socket.socket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context.wrap_socket(client, server_side=True)
