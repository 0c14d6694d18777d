"""A second door: the Pi's very nginx configuration, on other ports, before fake upstreams.

So tests may stop what is behind it, send it rubbish and use up its limits, and the box does not
notice.
"""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.appliance.waiting import wait_until
from tests.virtual.pi.machine import SSH_CONFIG

DIRECTORY = "/run/hems-test-door"
UPSTREAM, NGINX = "hems-test-upstream.service", "hems-test-door.service"
HOME = "/etc/nginx"
FILES = f"{HOME}/nginx.conf $(find {HOME}/hems.d {HOME}/hems.snippets -name '*.conf')"
START_SECONDS = 20

FREE_PORTS = """
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(7)]
print(*(one.getsockname()[1] for one in sockets))
"""


@dataclass(frozen=True)
class SecondDoor:
    """Where the second door is, seen from here; the session trusts the site's CA."""

    pi: Any
    https: int
    http: int
    d2l: int
    session: requests.Session
    upstream: str  # the command that serves what is behind it

    @property
    def url(self) -> str:
        """The second door's address; the certificate says localhost, too."""
        return f"https://localhost:{self.https}"

    def ask(self, method: str, path: str, **how: Any) -> requests.Response:
        """Send a request, with no cookie of an earlier one, and return the answer as it is."""
        self.session.cookies.clear()
        return self.session.request(
            method, self.url + path, timeout=30, allow_redirects=False, **how
        )

    def wait(self) -> None:
        """Wait until what is behind the door answers."""

        def answers() -> bool:
            try:
                return self.ask("GET", "/").status_code == 200
            except requests.RequestException:
                return False

        wait_until(answers, START_SECONDS, "the second door answers")

    def heard(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        """Send a request and return what the upstream heard of it."""
        answer = self.ask(method, path, **how)
        assert answer.status_code == 200, answer.text
        heard: dict[str, Any] = answer.json()
        return heard

    @contextmanager
    def without_upstreams(self) -> Iterator[None]:
        """Have nobody behind the door for a while."""
        self.pi.check_output(f"systemctl stop {UPSTREAM}")
        try:
            yield
        finally:
            _start(self.pi, UPSTREAM, self.upstream)
            self.wait()


def headers_of(heard: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers an upstream heard; one that came twice is joined by '|'."""
    found: dict[str, str] = {}
    for key, value in heard["headers"]:
        found[key] = f"{found[key]}|{value}" if key in found else value
    return found


def whole(pi: Any) -> str:
    """Return the text of nginx's whole configuration."""
    return str(pi.check_output(f"cat {FILES}"))


def edits(config: str, site: Mapping[str, Any], ports: Mapping[str, int]) -> list[str]:
    """Return sed's commands that put each listener and each upstream at another port."""
    found = [f"s,pid /run/nginx.pid,pid {DIRECTORY}/nginx.pid,"]
    for name in ("http", "https", "d2l"):
        known = site[f"hems_port_{name}"]
        assert len(re.findall(rf"listen {known}\b", config)) == 1, f"who listens on {known}?"
        found.append(rf"s,listen {known}\b,listen 127.0.0.1:{ports[name]},")
        found.append(rf"s,listen \[::\]:{known}\b,listen [::1]:{ports[name]},")
        # The hotspot's own address is only there while that is open.
        found.append(rf"s,listen [0-9]\S*:{known}\b,listen 127.0.0.1:{ports[name]},")
    for name in ("home_assistant", "influxdb", "configurator", "d2l_daemon"):
        known = site[f"hems_port_{name}"]
        assert re.search(rf"127\.0\.0\.1:{known}\b", config), f"who passes something to {known}?"
        found.append(rf"s,127\.0\.0\.1:{known}\b,127.0.0.1:{ports[name]},")
    return found


@contextmanager
def running_second_door(
    pi: Any, site: Mapping[str, Any], session: requests.Session
) -> Iterator[SecondDoor]:
    """Run a second door on the Pi, reachable from here through ssh, and take it away again."""
    inner = ("http", "https", "d2l", "home_assistant", "influxdb", "configurator", "d2l_daemon")
    numbers = pi.check_output(f"python3 -c {shlex.quote(FREE_PORTS)}").split()
    ports = dict(zip(inner, map(int, numbers), strict=True))
    changes = " ".join(f"-e {shlex.quote(one)}" for one in edits(whole(pi), site, ports))
    upstream = Path(__file__).with_name("fake_upstream.py").read_text()
    pi.check_output(f"mkdir -p {DIRECTORY} && cp -a {HOME}/. {DIRECTORY}")
    pi.check_output(f"cd {DIRECTORY} && sed -i {changes} $(find nginx.conf hems.d -name '*.conf')")
    pi.check_output(f"printf %s {shlex.quote(upstream)} >{DIRECTORY}/upstream.py")
    behind = [f"{name}={ports[name]}" for name in ("home_assistant", "influxdb", "configurator")]
    command = f"python3 {DIRECTORY}/upstream.py {' '.join(behind)} d2l={ports['d2l_daemon']}"
    try:
        _start(pi, UPSTREAM, command)
        _start(pi, NGINX, f"nginx -c {DIRECTORY}/nginx.conf -g 'daemon off;'")
        with _forwarded(pi, [ports[name] for name in ("https", "http", "d2l")]) as (
            https,
            http,
            d2l,
        ):
            second_door = SecondDoor(pi, https, http, d2l, session, command)
            second_door.wait()
            yield second_door
    finally:
        pi.run(f"systemctl stop {UPSTREAM} {NGINX}; rm -rf {DIRECTORY}")


def _start(pi: Any, unit: str, command: str) -> None:
    pi.check_output(f"systemd-run --quiet --collect --unit={unit} -- {command}")


@contextmanager
def _forwarded(pi: Any, ports: list[int]) -> Iterator[list[int]]:
    """Reach loopback ports of the Pi from here, whatever its firewall says."""
    local = [_free_port() for _ in ports]
    options = ["-oExitOnForwardFailure=yes", "-oControlMaster=no", "-oControlPath=none"]
    forwards = [f"-L{here}:127.0.0.1:{there}" for here, there in zip(local, ports, strict=True)]
    command = ["ssh", "-F", str(SSH_CONFIG), "-N", *options, *forwards, pi.backend.host.name]
    with subprocess.Popen(command) as ssh:
        try:
            yield local
        finally:
            ssh.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port
