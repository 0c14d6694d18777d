"""Home Assistant as the tests talk to it: on the Pi's loopback, through an ssh tunnel.

So these tests do not depend on the door; those of the door and of the browser do.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hems import home_assistant as client
from hems.home_assistant import Access, HomeAssistantError

from tests.appliance.waiting import IN_TIME, wait_until
from tests.unit.modules import load_module
from tests.virtual.pi.machine import SSH_CONFIG, Pi

log_in: Any = load_module("roles/home_assistant/module_utils/home_assistant_log_in.py")

Converge = Callable[..., subprocess.CompletedProcess[str]]


class HomeAssistant:
    """A port that leads to the box's and the box's own token."""

    def __init__(self, port: int, token: str) -> None:
        self.http = log_in.Http(port)
        self.token = token

    def get(self, path: str) -> Any:
        """Return the answer to a GET that must succeed."""
        status, answer = self.http.request("GET", path, token=self.token)
        assert status == 200, f"GET {path}: {status} {answer}"
        return answer

    def state(self, entity: str) -> str | None:
        """Return an entity's state, None when there is no such entity."""
        status, answer = self.http.request("GET", f"/api/states/{entity}", token=self.token)
        return str(answer["state"]) if status == 200 else None

    def service(self, domain: str, service: str, **data: Any) -> None:
        """Call a service (an action) that must succeed."""
        path = f"/api/services/{domain}/{service}"
        status, answer = self.http.request("POST", path, token=self.token, body=data)
        assert status == 200, f"{domain}.{service}: {status} {answer}"

    def call(self, kind: str, **fields: Any) -> Any:
        """Send one WebSocket command as the owner."""
        return self.call_as(self.token, kind, **fields)

    def call_as(self, token: str, kind: str, **fields: Any) -> Any:
        """Send one WebSocket command with somebody's access token."""
        with self.connection(token) as connection:
            return connection.call(kind, **fields)

    def connection(self, token: str) -> client.HomeAssistant:
        """Return a WebSocket connection with somebody's access token."""
        return client.HomeAssistant(Access(self.http.port, token))

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Wait for RUNNING and for all of our entries."""
        wait_until(self._is_ready, seconds, "Home Assistant is ready")

    def _is_ready(self) -> bool:
        try:
            config = self.http.request("GET", "/api/config", token=self.token)
            # Asking on with a dead token would get this address banned.
            assert config[0] not in (401, 403), "Home Assistant refuses the box's own token"
            if config[0] != 200 or config[1]["state"] != "RUNNING":
                return False
            entries = self.get("/api/config/config_entries/entry")
        except HomeAssistantError:
            return False
        ours = [entry for entry in entries if entry["domain"] in ("mqtt", "influxdb")]
        return len(ours) == 2 and all(entry["state"] == "loaded" for entry in ours)


@contextmanager
def tunnel(pi: Pi, port: int) -> Iterator[int]:
    """Give a local port for one on the Pi's loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        local = probe.getsockname()[1]
    forward = f"127.0.0.1:{local}:127.0.0.1:{port}"
    options = ["-o", "ExitOnForwardFailure=yes", "-o", "ControlPath=none"]
    process = subprocess.Popen(["ssh", "-F", SSH_CONFIG, *options, "-N", "-L", forward, pi.alias])
    try:
        wait_until(lambda: _listens(local), IN_TIME, "the ssh tunnel is open")
        yield local
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def this_pi() -> Pi:
    """The Pi that conftest's fixtures mean."""
    return Pi(os.environ.get("HEMS_PI", "molecule"))
