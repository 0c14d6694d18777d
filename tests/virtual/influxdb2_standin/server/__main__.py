"""The command that the package calls influxd."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from . import NOTICE, VERSION
from .app import App
from .config import BadConfig, Config, load, settings
from .engine import Engine
from .http import Answer, Request
from .recovery import create_operator
from .store import Store

# The package puts it here; INFLUXDB2_STANDIN_ENGINE names another for a run out of the source tree.
ENGINE = Path(__file__).parents[1] / "influxd-1.6"


def handler(app: App) -> type[BaseHTTPRequestHandler]:
    """Return what http.server calls for each connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave in one segment: no wait for a delayed acknowledgement.
        wbufsize = -1

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = (
                self._chunks() if self.headers.get("Transfer-Encoding") else self.rfile.read(length)
            )
            url = urlsplit(self.path)
            request = Request(
                self.command,
                url.path,
                dict(parse_qsl(url.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()},
                raw,
            )
            self._send(app.answer(request))

        def _chunks(self) -> bytes:
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            if answer.content_type:
                self.send_header("Content-Type", answer.content_type)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("X-Influxdb-Build", "stand-in")
            self.send_header("X-Influxdb-Version", VERSION)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)
            self.wfile.flush()

        do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing: an address may carry a token."""

    return Handler


class Server(ThreadingHTTPServer):
    """Keeps a connection's thread from holding up the end."""

    daemon_threads = True
    request_queue_size = 128


def serve(config: Config) -> int:
    """Run until a signal, or until the engine ends by itself; return the exit code."""
    config.bolt_path.parent.mkdir(parents=True, exist_ok=True)
    engine = Engine(Path(os.environ.get("INFLUXDB2_STANDIN_ENGINE") or ENGINE), config.data_path)
    engine.start()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        app = App(config, engine, config.state_path)
        with Server((config.host, config.port), handler(app)) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            print(f"listening on {config.host}:{config.port}: {NOTICE}", flush=True)
            while not stopped.wait(1):
                if engine.ended():
                    print("the engine ended by itself, its words are above", file=sys.stderr)
                    return 1
            server.shutdown()
    finally:
        engine.stop()
    return 0


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="influxd", description=f"The test bed's {NOTICE}.")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="serve (the default)")
    commands.add_parser("version", help="print the version")
    shown = commands.add_parser("print-config", help="print settings")
    shown.add_argument("--key-name", default="")
    recovery = commands.add_parser("recovery").add_subparsers(required=True).add_parser("auth")
    operator = recovery.add_subparsers(required=True).add_parser("create-operator")
    operator.add_argument("--store-token-hashes", action="store_true")
    for name in ("--org", "--username", "--bolt-path"):
        operator.add_argument(name, required=True)
    operator.set_defaults(command="recovery")
    given = parser.parse_args()
    try:
        if given.command == "version":
            print(f"InfluxDB {VERSION} ({NOTICE})")
        elif given.command == "print-config":
            found = settings(os.environ)
            print(found.get(given.key_name, "") if given.key_name else json.dumps(found, indent=1))
        elif given.command == "recovery":
            store = Store(Path(given.bolt_path).with_name("influxd.standin.json"))
            print(create_operator(store, given.org, given.username))
        else:
            return serve(load(os.environ))
    except (BadConfig, RuntimeError, OSError) as problem:
        print(f"influxd: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
