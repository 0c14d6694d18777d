"""InfluxDB's round trip as the watchdog judges it."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hems.watchdog import watched
from hems.watchdog.core import ProbeResult

AT = 1_795_339_786_945_457_353
FULL = b'{"message":"unexpected error writing points: write 1.wal: no space left on device"}'


class Server(HTTPServer):
    """Answers a write as the test wants it, and a query with the point."""

    write = (204, b"")


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(*self.server.write)

    def do_GET(self) -> None:
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        at = int(asked["q"][0].split()[-1])
        series = [{"values": [[at, at % 1000]]}]
        self._answer(200, json.dumps({"results": [{"series": series}]}).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Generator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def look(server: Server, data: Path) -> ProbeResult:
    return watched.influxdb(server.server_port, "token", AT, data)


def test_a_point_that_comes_back_is_an_answer(server: Server, tmp_path: Path) -> None:
    assert look(server, tmp_path) == ProbeResult(True, "takes points and gives them back")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_token_is_named(server: Server, status: int, tmp_path: Path) -> None:
    server.write = (status, b"{}")
    expected = ProbeResult(False, f"the write got {status}", curable=False, code="influxdb_refuses")
    assert look(server, tmp_path) == expected


def test_a_full_disk_is_named_and_no_reason_to_restart(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.write = (500, FULL)
    monkeypatch.setattr(watched, "ROOM_BYTES", 1 << 62)
    seen = look(server, tmp_path)
    assert (seen.code, seen.curable, seen.needs_restart) == ("disk_full", False, True)
    # With room again, one that goes on refusing needs a restart.
    monkeypatch.setattr(watched, "ROOM_BYTES", 0)
    assert look(server, tmp_path) == ProbeResult(False, "the write got 500")


def test_a_disk_that_can_not_be_asked_has_no_room(tmp_path: Path) -> None:
    assert not watched.has_room(tmp_path / "gone")
