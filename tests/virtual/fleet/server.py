"""A git server over HTTPS (git http-backend) that can lie in what it sends."""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.virtual.fleet.packs import in_place

Lie = Callable[[bytes], bytes]
CLOSE = 1.0  # seconds between two bytes of a slow server


class Server(ThreadingHTTPServer):
    """Serves the repositories below a directory."""

    daemon_threads = True
    directory: Path
    lie: Lie  # of the body with the pack
    pack: Callable[[], Iterator[bytes]] | None  # sent in place of the right one
    elsewhere: str  # where every request is sent to
    slow: bool
    host = ""

    def be_honest(self) -> None:
        """Send what there is."""
        self.lie, self.pack, self.elsewhere, self.slow = _as_it_is, None, "", False

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.server_port}/server.git"


class Handler(BaseHTTPRequestHandler):
    """Runs git http-backend as a CGI program (RFC 3875)."""

    server: Server

    def _answer(self) -> None:
        if self.server.elsewhere:
            self.send_response(302)
            self.send_header("Location", self.server.elsewhere + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.server.directory),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"],
            env=environment,
            input=self.rfile.read(length),
            capture_output=True,
            check=False,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        pack = self.server.pack if self.command == "POST" and b"PACK" in body else None
        if self.command == "POST" and b"PACK" in body:
            body = self.server.lie(body)
        self.send_response(200)
        for line in head.decode().splitlines():
            name, _, value = line.partition(": ")
            if name != "Status":
                self.send_header(name, value)
        if pack is None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):  # whoever asked has heard enough
            for part in in_place(body, pack()) if pack else self._parts(body):
                self.wfile.write(part)

    def _parts(self, body: bytes) -> Iterator[bytes]:
        if not self.server.slow:
            yield body
            return
        for byte in body:
            yield bytes([byte])
            time.sleep(CLOSE)

    do_GET = _answer  # noqa: N815 (http.server's names)
    do_POST = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _as_it_is(body: bytes) -> bytes:
    return body


@contextmanager
def serve(directory: Path, host: str = "127.0.0.1") -> Iterator[Server]:
    """Serve at an address of this machine; the certificate is ``server.pem`` in the directory."""
    certificate, key = directory / "server.pem", directory / "server.key"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    words += ["-nodes", "-days", "2", "-subj", f"/CN={host}", "-keyout", str(key)]
    words += ["-addext", f"subjectAltName=IP:{host}", "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    server = Server((host, 0), Handler)
    server.host = host
    server.be_honest()
    server.directory = directory
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
