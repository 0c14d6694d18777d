"""The dongle: frames over TCP, in the pieces that networks make of them, and with its faults."""

from __future__ import annotations

import json
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from hems.d2l.frame import SMALLEST, Frame, Key, Type, decode, encode

ANSWER_SECONDS = 10.0
FAULTS = ("none", "wrong-key", "wrong-iv", "replay", "split", "slow", "coalesced")
SLOW_BYTES, SLOW_SECONDS = 64, 0.05  # a piece, and the pause after it


class NoAnswer(Exception):
    """The box closed the connection, or was silent."""


class Dongle:
    """One dongle by its number and key."""

    def __init__(self, number: str, key: Key, fault: str = "none") -> None:
        self.number, self.fault = number, fault
        self._key = key
        self._replayed = b""
        self._socket: socket.socket | None = None

    def connect(self, host: str, port: int) -> None:
        """Open the connection. Raises OSError."""
        self.close()
        self._socket = socket.create_connection((host, port), timeout=ANSWER_SECONDS)

    def close(self) -> None:
        """Let the connection go."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def frame(self, kind: Type, payload: bytes = b"") -> bytes:
        """Return one frame's bytes, wrong where the fault says so."""
        key = self._key
        if self.fault == "wrong-key":
            key = replace(key, key=bytes(16))
        if self.fault == "wrong-iv":
            key = replace(key, iv=bytes(16))
        return encode(Frame(self.number, secrets.token_bytes(16), kind, payload), key)

    def push(self, values: Mapping[str, str]) -> float:
        """Send a reading; return the time that the box answers (seconds since 1970).

        Raises NoAnswer or OSError.
        """
        data = self.frame(Type.READING, json.dumps(values).encode())
        if self.fault == "replay":
            data = self._replayed = self._replayed or data
        return self._ask(data)

    def clock(self) -> float:
        """Ask for the time; return it. Raises NoAnswer or OSError."""
        return self._ask(self.frame(Type.CLOCK))

    def _ask(self, data: bytes) -> float:
        if self._socket is None:
            raise NoAnswer
        count = 1
        if self.fault == "coalesced":
            data += self.frame(Type.CLOCK)
            count = 2
        for piece in self._pieces(data):
            self._socket.sendall(piece)
        found = b"".join(iter(self._received(count * SMALLEST)))
        frames = [decode(found[at : at + SMALLEST], self._key) for at in range(0, len(found), 48)]
        return int.from_bytes(frames[-1].payload, "little") + 1_451_606_400.0

    def _pieces(self, data: bytes) -> Iterable[bytes]:
        size = {"split": 1, "slow": SLOW_BYTES}.get(self.fault, len(data))
        for at in range(0, len(data), size):
            yield data[at : at + size]
            if self.fault == "slow":
                time.sleep(SLOW_SECONDS)

    def _received(self, size: int) -> Iterable[bytes]:
        assert self._socket is not None
        while size:
            data = self._socket.recv(size)
            if not data:
                raise NoAnswer
            size -= len(data)
            yield data
