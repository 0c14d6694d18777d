"""A rude client, run on the Pi: it comes from a loopback address of its own. Standard library only.

``python3 attacker.py slow|flood|hold <json>`` prints one JSON object. The door takes 127.0.0.2 and
the like for strangers: each has limits of its own, as the addresses of the house's network have.
"""

from __future__ import annotations

import http.client
import json
import resource
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

DOOR = "127.0.0.1"


def connect(port: int, source: str) -> socket.socket:
    """Return a TCP connection to the door from an address."""
    door = "::1" if ":" in source else DOOR
    return socket.create_connection((door, port), 20, source_address=(source, 0))


def secured(plain: socket.socket) -> ssl.SSLSocket:
    """Return a TLS connection; whose certificate it is is another test's matter."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain)


@contextmanager
def client(port: int, source: str) -> Iterator[http.client.HTTPConnection]:
    """Return a connection for HTTPS requests."""
    connection = http.client.HTTPConnection(DOOR, port)
    connection.sock = secured(connect(port, source))
    try:
        yield connection
    finally:
        connection.close()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str]
) -> int:
    """Send a request and return the status."""
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def flood(port: int, source: str, path: str, count: int, **how: Any) -> dict[str, Any]:
    """Send ``count`` requests one after the other; how many got which status, in how many s.

    ``how``: ``method``, ``headers``, ``vary``, a header with another token in each, and ``token``,
    the file of a right one: sudo writes command lines into the journal.
    """
    method, headers = how.get("method", "GET"), how.get("headers", {})
    if file := how.get("token"):
        headers = {**headers, "Authorization": f"Token {Path(file).read_text().strip()}"}
    begun, seen = time.monotonic(), Counter[int]()
    left = count
    while left:
        with client(port, source) as connection:  # nginx ends one after a thousand requests
            for _ in range(min(left, 500)):
                if vary := how.get("vary"):
                    headers = {**headers, vary: f"Token guess{left}"}
                seen[ask(connection, method, path, headers)] += 1
                left -= 1
    return {"statuses": seen, "seconds": time.monotonic() - begun}


def slow(
    port: int, source: str, count: int, probes: list[tuple[str, int]], tls: bool
) -> dict[str, Any]:
    """Open ``count`` connections that never end their header, and ask as others meanwhile.

    ``probes``: addresses and HTTPS ports. Returns how many were opened, how long the slowest
    answer to each probe took, and after how many seconds the door had let go of all of them.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * count + 100), hard))
    begun, held = time.monotonic(), []
    for _ in range(count):
        one = connect(port, source)
        if not tls:  # with TLS it stays silent in the handshake
            one.sendall(b"GET / HTTP/1.1\r\nHost: box\r\nX-Slow: ")
        held.append(one)
    opened = time.monotonic() - begun
    slowest: dict[str, float] = {}
    for address, at in probes:
        for _ in range(10):
            asked = time.monotonic()
            with client(at, address) as connection:
                if ask(connection, "GET", "/manifest.json", {}) != 200:
                    raise SystemExit(f"{address} was not answered")
            slowest[address] = max(slowest.get(address, 0), time.monotonic() - asked)
    for one in held:
        one.settimeout(60)
        with suppress(ConnectionError):
            while one.recv(4096):
                pass
        one.close()
    ended = time.monotonic() - begun
    return {"held": len(held), "opened": opened, "slowest": slowest, "ended": ended}


def hold(port: int, source: str, count: int) -> dict[str, Any]:
    """Begin ``count`` requests whose bodies never come; how many were refused at once."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 100), hard))
    held, refused = [], 0
    head = b"POST /api/x HTTP/1.1\r\nHost: box\r\nContent-Length: 9\r\n\r\n"
    for _ in range(count):
        one = secured(connect(port, source))
        one.sendall(head)
        held.append(one)
    time.sleep(2)
    for one in held:
        one.settimeout(0.05)
        with suppress(TimeoutError):
            refused += one.recv(16).startswith(b"HTTP/1.1 429")
        one.close()
    return {"held": count - refused, "refused": refused}


WAYS: dict[str, Callable[..., dict[str, Any]]] = {"flood": flood, "slow": slow, "hold": hold}

if __name__ == "__main__":
    print(json.dumps(WAYS[sys.argv[1]](**json.loads(sys.argv[2]))))
