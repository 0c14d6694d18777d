"""Stands behind a second door on the Pi and says what it was asked. Standard library only.

``python3 fake_upstream.py <name>=<port> ...`` serves HTTP on each loopback port; the name ``d2l``
instead echoes TCP. It compresses what it sends whenever the client lets it, as InfluxDB does, and
gives InfluxDB's session to nobody but who gives InfluxDB's own user name and password.
"""

from __future__ import annotations

import base64
import gzip
import json
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Short excerpts of InfluxDB's UI (2.9): every form in which it holds an absolute path or its own
# address, and what that must be below /influx/.
EXCERPTS = {
    '<base href="/">': '<base href="/influx/">',
    'id="react-root" data-basepath=""': 'id="react-root" data-basepath="/influx"',
    '<script src="/vendor.js">': '<script src="/influx/vendor.js">',
    '<link href="/style.css">': '<link href="/influx/style.css">',
    'n.p="/"': 'n.p="/influx/"',
    'fetch("/api/v2/me")': 'fetch("/influx/api/v2/me")',
    "fetch(`/api/v2/buckets`)": "fetch(`/influx/api/v2/buckets`)",
    "`${base}api/v2/query`": "`${base}influx/api/v2/query`",
    "`${base}/health`": "`${base}/influx/health`",
    "@font-face{src:url(/font.woff)}": "@font-face{src:url(/influx/font.woff)}",
    # Notebooks and the data explorer: a region is the bare origin, and is compared with it.
    "`${(null==t?void 0:t.region)||window.location.origin}/api/v2/query?${q}`": (
        "`${(null==t?void 0:t.region)||window.location.origin}/influx/api/v2/query?${q}`"
    ),
    "fetch(`${E.region}/api/v2/orgs`": "fetch(`${E.region}/influx/api/v2/orgs`",
    "const l={org:r(m).id,region:window.location.origin};": (
        "const l={org:r(m).id,region:window.location.origin};"
    ),
    "{region:window.location.origin,org:Q.id}": "{region:window.location.origin,org:Q.id}",
    'E.source="self",E.region=window.location.origin,[t,R]': (
        'E.source="self",E.region=window.location.origin,[t,R]'
    ),
    "E.region!==window.location.origin&&e": "E.region!==window.location.origin&&e",
    # A dashboard's time range, a notebook's address: the router puts the prefix before them again.
    "pathname:(0,a.N)(window.location.pathname),search:e.toString()": (
        'pathname:(0,a.N)(window.location.pathname.replace("/influx","")),search:e.toString()'
    ),
    "t.push(window.location.pathname)": ('t.push(window.location.pathname.replace("/influx",""))'),
    "`${window.location.origin}${window.location.pathname}?panel=${k}`": (
        "`${window.location.origin}${window.location.pathname}?panel=${k}`"
    ),
    # What is shown to be copied: samples for clients, Telegraf, scrapers, links to a page.
    "c=a.clusterHost||window.location.origin,m=`import": (
        'c=a.clusterHost||window.location.origin+"/influx",m=`import'
    ),
    'url := "${i.clusterHost||window.location.origin}"': (
        'url := "${i.clusterHost||window.location.origin+"/influx"}"'
    ),
    "E=c(l),O=window.location.origin,k=null==T": (
        'E=c(l),O=window.location.origin+"/influx",k=null==T'
    ),
    "orgID:n,server:window.location.origin,buckets:m": (
        'orgID:n,server:window.location.origin+"/influx",buckets:m'
    ),
    "urls:[`${window.location.origin}`]": "urls:[`${window.location.origin}/influx`]",
    "`${window.location.origin}/metrics`": "`${window.location.origin}/influx/metrics`",
    "url:`${this.origin}/metrics`": "url:`${this.origin}/influx/metrics`",
    "`telegraf --config ${this.origin}/api/v2/telegrafs/`": (
        "`telegraf --config ${this.origin}/influx/api/v2/telegrafs/`"
    ),
    "`${location.origin}/orgs/${t.orgID}/alert-history`": (
        "`${location.origin}/influx/orgs/${t.orgID}/alert-history`"
    ),
    "value:`${window.location.origin}/api/v2/scripts/${J.data.id}`": (
        "value:`${window.location.origin}/influx/api/v2/scripts/${J.data.id}`"
    ),
}
PATTERNS = "\n".join(EXCERPTS)

SIGN_IN = "/api/v2/signin"
LOGIN = ("hems", "InfluxDB's own")  # user name and password

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
        signs_in = self.name == "influxdb" and self.path == SIGN_IN
        if signs_in and not self.is_known():
            self.send_response(401)
        else:
            self.send_response(200)
        self.send_header("Content-Type", kind)
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        if signs_in and self.is_known():
            cookie = "influxdb-oss-session=abc; Path=/api/; HttpOnly; SameSite=Strict"
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def is_known(self) -> bool:
        """Whether the request carries the log-in, as RFC 7617 says."""
        known = base64.b64encode(":".join(LOGIN).encode()).decode()
        return self.headers.get("Authorization", "") == f"Basic {known}"

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
