"""Stands behind a twin of the door on the Pi and says what it was asked. Standard library only.

``python3 fake_upstream.py <name>=<port> ...`` serves HTTP on each loopback port; the name ``d2l``
instead echoes TCP. It compresses what it sends whenever the client lets it, as InfluxDB does.
"""

from __future__ import annotations

import gzip
import json
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Every absolute path that the InfluxDB UI (2.9) holds, as it stands in page, scripts and styles.
PATTERNS = """
<base href="/"> <div id="react-root" data-basepath=""></div>
<script src="/vendor.js"></script> <link href="/style.css">
n.p="/" fetch("/api/v2/me") fetch(`/api/v2/buckets`)
`${base}api/v2/query` `${base}/health` @font-face{src:url(/font.woff)}
"""

FILES = {
    "/": ("text/html; charset=utf-8", PATTERNS),
    "/vendor.js": ("text/javascript; charset=utf-8", PATTERNS),
    "/old.js": ("application/javascript", PATTERNS),
    "/style.css": ("text/css; charset=utf-8", PATTERNS),
    "/data.json": ("application/json; charset=utf-8", json.dumps(PATTERNS)),
    "/api/v2/data.json": ("application/json; charset=utf-8", json.dumps(PATTERNS)),
    "/api/v2/query": ("text/csv; charset=utf-8", PATTERNS),
}


class Upstream(BaseHTTPRequestHandler):
    """Answers a file of FILES, or else what the request was."""

    protocol_version = "HTTP/1.1"
    name = ""

    def answer(self) -> None:
        """Read the whole request and answer it."""
        length = int(self.headers.get("Content-Length") or 0)
        received = 0
        while received < length and (part := self.rfile.read(min(1 << 20, length - received))):
            received += len(part)
        heard = {
            "upstream": self.name,
            "method": self.command,
            "path": self.path,
            "received": received,
            "headers": [[key.lower(), value] for key, value in self.headers.items()],
        }
        kind, text = FILES.get(self.path, ("application/json", json.dumps(heard)))
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        if self.path == "/api/v2/signin":
            cookie = "influxdb-oss-session=abc; Path=/api/; HttpOnly; SameSite=Strict"
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


class Echo(socketserver.StreamRequestHandler):
    """Sends back what comes."""

    def handle(self) -> None:
        """Echo one connection."""
        while data := self.request.recv(4096):
            self.request.sendall(data)


def main() -> None:
    """Serve until killed."""
    for argument in sys.argv[1:]:
        name, _, port = argument.partition("=")
        address = ("127.0.0.1", int(port))
        server: socketserver.BaseServer
        if name == "d2l":
            server = socketserver.ThreadingTCPServer(address, Echo)
        else:
            server = ThreadingHTTPServer(address, type(name, (Upstream,), {"name": name}))
        threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    main()
