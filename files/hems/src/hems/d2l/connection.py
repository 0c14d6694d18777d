"""One TCP connection of a dongle: bytes to whole frames, within the limits.

nginx says first who is at the other end (PROXY protocol, version 1: one line of text;
https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt).
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from hems.d2l.d2l_settings import Limits
from hems.d2l.frame import CLEAR
from hems.d2l.intake import Intake, Refused

PROXY_BYTES = 107  # the longest line, with its end
PROXY_SECONDS = 5.0  # nginx sends it with its first byte
ANSWER_SECONDS = 5.0
TOO_MANY = "there are too many connections"
CUT = "it was cut short"
SLOW = "it took too long"
NOT_PROXIED = "a connection did not come through the door"


class NotProxied(ValueError):
    """The connection did not come through the door."""


def client(line: bytes) -> str:
    """Return the address in a PROXY line; empty where the proxy asks for itself.

    Raises NotProxied.
    """
    words = line.decode("ascii", "replace").split()
    if words[:2] == ["PROXY", "UNKNOWN"]:
        return ""
    if len(words) != 6 or words[0] != "PROXY" or words[1] not in ("TCP4", "TCP6"):
        raise NotProxied
    try:
        return str(ipaddress.ip_address(words[2]))
    except ValueError as error:
        raise NotProxied from error


class Connections:
    """Serves every connection; holds how many there are."""

    def __init__(
        self, intake: Intake, limits: Limits, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._intake, self._limits, self._now = intake, limits, now
        self._open: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many there are."""
        return self._open.total()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends; never raises."""
        address = ""
        try:
            # An end is no error; what was wrong with a frame is counted where it was found.
            with suppress(TimeoutError, OSError, EOFError, Refused):
                async with asyncio.timeout(PROXY_SECONDS):
                    address = client(await reader.readuntil(b"\n"))
                if address and self._admit(address):
                    try:
                        await self._frames(reader, writer, address)
                    finally:
                        self._leave(address)
        except (NotProxied, asyncio.LimitOverrunError):  # no PROXY line is that long
            self._intake.refused[NOT_PROXIED] += 1
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await writer.wait_closed()

    def _admit(self, address: str) -> bool:
        limits = self._limits
        if self._open[address] >= limits.address_connections or self.count >= limits.connections:
            self._intake.refused[TOO_MANY] += 1
            line = f"A connection from {address} was closed: there are too many."
            self._intake.tell(line, self._now())
            return False
        self._open[address] += 1
        return True

    def _leave(self, address: str) -> None:
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    async def _frames(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str
    ) -> None:
        errors = 0
        while errors < self._limits.errors:
            async with asyncio.timeout(self._limits.idle):
                begin = await reader.read(1)
            if not begin:
                return
            data = await self._rest(begin, reader, address)
            try:
                answer = self._intake.accept(data, address, self._now())
            except Refused:
                errors += 1
                continue
            if answer is not None:
                writer.write(answer)
                async with asyncio.timeout(ANSWER_SECONDS):
                    await writer.drain()

    async def _rest(self, begin: bytes, reader: asyncio.StreamReader, address: str) -> bytes:
        """Return the whole frame that begins with this byte. Raises Refused."""
        try:
            async with asyncio.timeout(self._limits.frame):
                head = begin + await reader.readexactly(CLEAR - 1)
                size = self._intake.size(head, address, self._now())
                return head + await reader.readexactly(size - CLEAR)
        except (OSError, EOFError) as error:  # a TimeoutError is an OSError
            reason = SLOW if isinstance(error, TimeoutError) else CUT
            self._intake.refused[reason] += 1
            line = f"A frame from {address} was dropped: {reason}."
            self._intake.tell(line, self._now())
            raise Refused from error
