"""The server that the contract is tested on: one that is named, or the stand-in started here."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.contract.transcript import Answer, Wire

STANDIN = Path(__file__).parents[1] / "virtual/influxdb2_standin"
START_TIMEOUT = 60.0  # s
REQUEST_TIMEOUT = 30.0  # s


@dataclass(frozen=True)
class Server:
    """A server by its address."""

    url: str

    def send(self, wire: Wire) -> Answer:
        """Send a request and return the answer."""
        host = urlsplit(self.url)
        connection = http.client.HTTPConnection(
            host.hostname or "", host.port, timeout=REQUEST_TIMEOUT
        )
        try:
            connection.request(wire.method, wire.target, wire.data, dict(wire.headers))
            reply = connection.getresponse()
            return Answer(reply.status, dict(reply.headers), reply.read().decode(errors="replace"))
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """Get a page that needs no token."""
        return self.send(Wire("GET", path, {}, None))

    @property
    def is_standin(self) -> bool:
        """Tell whether the server says that it is the stand-in."""
        return bool(json.loads(self.get("/health").text)["commit"] == "stand-in")


def free_port() -> int:
    """Return a port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def standin(directory: Path, engine: Path) -> Iterator[Server]:
    """Run a fresh stand-in with its data below ``directory``."""
    url = f"127.0.0.1:{free_port()}"
    settings = {
        "INFLUXD_BOLT_PATH": str(directory / "influxd.bolt"),
        "INFLUXD_ENGINE_PATH": str(directory / "engine"),
        "INFLUXD_HTTP_BIND_ADDRESS": url,
        "INFLUXD_STRONG_PASSWORDS": "true",
        "INFLUXDB2_STANDIN_ENGINE": str(engine),
    }
    log = directory / "influxd.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "server"],
            cwd=STANDIN,
            env={**os.environ, **settings},
            stdout=stream,
            stderr=stream,
        )
    server = Server(f"http://{url}")
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                server.get("/ready")
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the stand-in did not start: {log.read_text()}") from None
                time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(60)
