"""What of the outside world this machine reaches, and where it gets Debian from."""

from __future__ import annotations

import os
import socket
import urllib.error
import urllib.request
from functools import cache

from tests.virtual.pi.checkout import Failure

MIRROR = os.environ.get("HEMS_DEBIAN_MIRROR", "http://deb.debian.org/debian")
PYPI = "https://pypi.org/simple/uv/"
INFLUXDATA = "https://repos.influxdata.com/debian/dists/stable/InRelease"
PYTHON_BUILDS = "https://github.com/astral-sh/python-build-standalone/releases/latest"
TIMEOUT = 8.0  # seconds


@cache
def reaches(url: str) -> bool:
    """Whether `url` answers with anything but an error."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT):
            return True
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def require() -> None:
    """Raise Failure unless Debian's mirror and PyPI can be reached."""
    for url in (f"{MIRROR}/dists/trixie/InRelease", PYPI):
        if not reaches(url):
            host = url.split("/")[2]
            raise Failure(
                f"{host} can't be reached: check this machine's network "
                "(another Debian mirror: HEMS_DEBIAN_MIRROR; a proxy: http_proxy, https_proxy)"
            )


def require_free(port: int) -> None:
    """Raise Failure when 127.0.0.1:`port` is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as taken:
            raise Failure(
                f"port {port} on 127.0.0.1 is taken: free it, or give the door another one "
                f"with `make up HTTPS_PORT={port + 1}`"
            ) from taken
