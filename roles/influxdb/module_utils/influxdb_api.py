# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Talk to InfluxDB 2's HTTP API, and keep its secrets in root-only files."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils import whole_file

# A write waits for storage-wal-fsync-delay, and a Pi's card stalls for seconds.
REQUEST_TIMEOUT = 30.0  # s


class InfluxdbProblem(Exception):
    """What a person must know: one sentence with cause and cure."""


@dataclass(frozen=True)
class Answer:
    """One answer: status 0 when the server was not reached, ``body`` parsed when it is JSON."""

    status: int
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """Return the server's own words."""
        if isinstance(self.body, dict):
            return str(self.body.get("message") or self.body.get("error") or "").replace("\n", "; ")
        return str(self.body).strip()[:200]


@dataclass(frozen=True)
class Request:
    """One request; ``body`` is sent as JSON when it is not text, ``authorization`` as it stands."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    authorization: str | None = field(default=None, repr=False)
    cookie: str | None = field(default=None, repr=False)


Transport = Callable[[Request], Answer]


def token(secret: str) -> str:
    """Return the Authorization header's value for a token."""
    return f"Token {secret}"


def basic(username: str, password: str) -> str:
    """Return the Authorization header's value for a log-in (RFC 7617, UTF-8)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def http_transport(url: str) -> Transport:
    """Return what sends a request to the server at ``url``, never through a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(request: Request) -> Answer:
        query = f"?{urllib.parse.urlencode(request.params)}" if request.params else ""
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        data = request.body
        if data is not None and not isinstance(data, str):
            data, headers["Content-Type"] = json.dumps(data), "application/json"
        if request.authorization:
            headers["Authorization"] = request.authorization
        if request.cookie:
            headers["Cookie"] = request.cookie
        wire = urllib.request.Request(
            f"{url}{request.path}{query}",
            data=None if data is None else data.encode(),
            headers=headers,
            method=request.method,
        )
        try:
            with opener.open(wire, timeout=REQUEST_TIMEOUT) as reply:
                return _answer(reply.status, reply.read(), dict(reply.headers))
        except urllib.error.HTTPError as reply:
            return _answer(reply.code, reply.read(), dict(reply.headers))
        except urllib.error.URLError as problem:
            return Answer(0, str(problem.reason))
        except OSError as problem:
            return Answer(0, str(problem))

    return send


def _answer(status: int, raw: bytes, headers: Mapping[str, str]) -> Answer:
    text = raw.decode(errors="replace")
    # InfluxDB's own pages answer 200 on unknown paths: only what says it is JSON is read as JSON.
    if "json" in (headers.get("Content-Type") or ""):
        try:
            return Answer(status, json.loads(text), dict(headers))
        except ValueError:
            pass
    return Answer(status, text, dict(headers))


def wait_until_ready(send: Transport, url: str, timeout: float) -> None:
    """Return once the server answers as InfluxDB 2 does; ``timeout`` in s, or InfluxdbProblem."""
    deadline = time.monotonic() + timeout
    while True:
        answer = send(Request("GET", "/api/v2/setup"))
        if answer.status == 200 and isinstance(answer.body, dict) and "allowed" in answer.body:
            return
        if time.monotonic() >= deadline:
            said = f"it answered {answer.status}" if answer.status else answer.message
            raise InfluxdbProblem(
                f"InfluxDB did not get ready at {url} within {timeout:.0f} s ({said}): "
                "'journalctl -u influxdb' on the Pi says why; cure that and run the play again."
            )
        time.sleep(0.5)


def read_secret(path: Path) -> str | None:
    """Return the secret without its newline, or None when there is none, or a broken one."""
    try:
        secret = path.read_text().removesuffix("\n")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return secret if secret and secret.isprintable() else None


def need_secret(path: Path) -> str:
    """Return the secret, or raise InfluxdbProblem when there is none."""
    secret = read_secret(path)
    if not secret:
        raise InfluxdbProblem(
            f"The secret {path} is missing or empty: run the whole play, role base makes it."
        )
    return secret


def write_secret(path: Path, secret: str) -> None:
    """Write the secret 0600 in one step that survives a power cut."""
    whole_file.write(path, secret + "\n")
