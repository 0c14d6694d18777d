"""The engine: Debian's InfluxDB 1.6 as a child process, reached through a Unix socket."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ADMINISTRATOR = "standin"
START_TIMEOUT = 300.0  # s
REQUEST_TIMEOUT = 300.0  # s

# Only the Unix socket is spoken to; the two TCP listeners that 1.6 can't do without get ports that
# nobody knows, on loopback, and want a password.
CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{data}/meta"
  logging-enabled = false
[data]
  dir = "{data}/data"
  wal-dir = "{data}/wal"
  query-log-enabled = false
  cache-max-memory-size = "128m"
  max-concurrent-compactions = 1
[coordinator]
  max-concurrent-queries = 20
[retention]
  check-interval = "30m"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:0"
  auth-enabled = true
  log-enabled = false
  unix-socket-enabled = true
  bind-socket = "{socket}"
  max-body-size = 0
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[logging]
  level = "warn"
  suppress-logo = true
"""


@dataclass(frozen=True)
class Account:
    """Who asks the engine."""

    name: str
    password: str


@dataclass(frozen=True)
class Reply:
    """What the engine answered."""

    status: int
    content_type: str
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """Return the answer's JSON, empty when there is none."""
        try:
            body = json.loads(self.raw)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    @property
    def error(self) -> str:
        """Return the engine's words for what went wrong, with the request or a statement."""
        results = self.body.get("results") or [{}]
        return str(self.body.get("error") or results[0].get("error") or "")


def quoted(name: str) -> str:
    """Return the name as an InfluxQL identifier."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=REQUEST_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """Starts, asks and stops the engine."""

    def __init__(self, binary: Path, data: Path) -> None:
        self._binary = binary
        self._data = data
        # A socket's path has at most 107 bytes; a data directory's may be longer.
        self._run = Path(f"/tmp/influxdb2-standin-{os.getpid()}")
        self._socket = str(self._run / "engine.sock")
        self._local = threading.local()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the engine and wait until it answers. Raises RuntimeError when it does not."""
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(self._run, ignore_errors=True)
        self._run.mkdir(mode=0o700)
        config = self._run / "influxdb.conf"
        config.write_text(CONFIG.format(data=self._data, socket=self._socket), encoding="utf-8")
        self._process = subprocess.Popen(
            [str(self._binary), "-config", str(config)], start_new_session=True
        )
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self._send("GET", "/ping", {}, None, None)
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
            else:
                return
        self.stop()
        raise RuntimeError(f"the engine {self._binary} did not start, its words are above")

    def stop(self) -> None:
        """Stop the engine; its write-ahead log is kept."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
        shutil.rmtree(self._run, ignore_errors=True)

    def ended(self) -> bool:
        """Tell whether the engine has stopped by itself."""
        return self._process is not None and self._process.poll() is not None

    def query(
        self,
        text: str,
        account: Account | None,
        params: Mapping[str, str] | None = None,
        accept: str = "",
    ) -> Reply:
        """Run InfluxQL."""
        body = urlencode({**(params or {}), "q": text}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if accept:
            headers["Accept"] = accept
        return self._send("POST", "/query", headers, body, account)

    def write(self, params: Mapping[str, str], lines: bytes, account: Account) -> Reply:
        """Write line protocol."""
        return self._send("POST", f"/write?{urlencode(params)}", {}, lines, account)

    def _send(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes | None,
        account: Account | None,
    ) -> Reply:
        if account:
            pair = base64.b64encode(f"{account.name}:{account.password}".encode()).decode()
            headers = {**headers, "Authorization": f"Basic {pair}"}
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        for last in (False, True):
            if connection is None:
                connection = self._local.connection = _Connection(self._socket)
            try:
                connection.request(method, target, body, headers)
                reply = connection.getresponse()
                return Reply(reply.status, reply.headers.get("Content-Type", ""), reply.read())
            except (OSError, http.client.HTTPException):
                # A kept connection may have been closed meanwhile; a new one tells what is true.
                connection.close()
                connection = self._local.connection = None
                if last:
                    raise
        raise AssertionError("not reached")
