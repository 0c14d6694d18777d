"""What anyone may read: readiness, health, and a page in place of the web interface."""

from __future__ import annotations

import time

from . import NOTICE, VERSION
from .config import Config
from .http import Answer, encode, ok
from .model import timestamp

HTML = "text/html; charset=utf-8"
METRICS = "text/plain; version=0.0.4; charset=utf-8; escaping=values"

# With the marks that a door below a path has to rewrite in the real page.
PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>InfluxDB 2 stand-in</title><base href="/"></head>
<body><div id="react-root" data-basepath=""></div>
<h1>InfluxDB 2 stand-in</h1><p>This is the test bed's {NOTICE}: it has no web interface.</p>
<p><a href="/health">Health</a></p></body></html>
"""


class Pages:
    """`/ready`, `/health`, `/ping`, `/metrics`, `/api/v2/config` and everything unknown."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._started = timestamp()
        self._clock = time.monotonic()

    def ready(self) -> Answer:
        """Answer that it listens."""
        up = f"{time.monotonic() - self._clock:.9f}s"
        return ok({"status": "ready", "started": self._started, "up": up})

    def health(self) -> Answer:
        """Answer what this is."""
        return ok(
            {
                "name": "influxdb",
                "message": f"ready for queries and writes ({NOTICE})",
                "status": "pass",
                "checks": [],
                "version": VERSION,
                "commit": "stand-in",
            }
        )

    def metrics(self) -> Answer:
        """Answer how long it has been up."""
        up = time.monotonic() - self._clock
        return Answer(200, f"influxdb_uptime_seconds {up:.3f}\n".encode(), METRICS)

    def config(self) -> Answer:
        """Answer the settings that have an effect."""
        found = {
            "bolt-path": str(self._config.bolt_path),
            "engine-path": str(self._config.engine_path),
            "http-bind-address": f"{self._config.host}:{self._config.port}",
            "session-length": self._config.session_minutes,
            "strong-passwords": self._config.strong_passwords,
        }
        return Answer(200, encode({"config": found}), "application/json; charset=utf-8")

    def page(self) -> Answer:
        """Answer the page."""
        return Answer(200, PAGE.encode(), HTML)
