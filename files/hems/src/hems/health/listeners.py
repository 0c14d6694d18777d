"""Which of the box's services listen where the house's network can reach them.

Format: proc_pid_net(5), ``/proc/net/tcp`` and ``/proc/net/tcp6``.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LISTEN = "0A"


@dataclass(frozen=True, order=True)
class Listener:
    """A TCP socket that takes connections."""

    address: str
    port: int
    uid: int  # of who opened it

    @property
    def is_loopback(self) -> bool:
        """Whether only this box can reach it."""
        address = ipaddress.ip_address(self.address)
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{shown}:{self.port}"


def parse(text: str) -> list[Listener]:
    """Return the listening sockets of one table; its first line is a heading."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[3] == LISTEN:
            address, _, port = fields[1].partition(":")
            found.append(Listener(_address(address), int(port, 16), int(fields[7])))
    return found


def _address(text: str) -> str:
    """Return an address: the kernel prints 32-bit words in its own byte order (here: little)."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(struct.pack(f"<{len(words)}I", *words)))


def look() -> list[Listener]:
    """Return every listening TCP socket of the box."""
    found = []
    for table in TABLES:
        with suppress(OSError):  # a kernel without IPv6 has no second one
            found += parse(table.read_text(encoding="ascii"))
    return found


def exposed(
    listeners: Iterable[Listener],
    owners: Mapping[int, str],
    inner: Mapping[int, str],
    meant: Collection[int],
) -> dict[str, list[Listener]]:
    """Return who listens beyond loopback, though it is not meant to.

    ``owners``: uid → service; ``inner``: port on loopback → service, whoever opened it; ``meant``:
    ports that the house's network may reach.
    """
    found: dict[str, list[Listener]] = {}
    for listener in sorted(listeners):
        owner = inner.get(listener.port) or owners.get(listener.uid)
        if owner and not listener.is_loopback and listener.port not in meant:
            found.setdefault(owner, []).append(listener)
    return found
