"""The machine as a box with role onboarding on it, and a guest's phone beside it."""

from __future__ import annotations

import json
import re
import shlex
import tarfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, StrictUndefined

from tests.unit.appliance_settings import GOOD
from tests.virtual.pi.checkout import ROOT
from tests.virtual.wifi.machine import Machine

PASSPHRASE, NAME = "a label's words", "HEMS-Cottage"
ADDRESS, PORT = "10.42.0.1", 17999
PHONE = "wlan3"  # the radio of the router "Both", which is switched off for it
PHONES = "ip netns exec routers"
ROLE = ROOT / "roles/onboarding/templates"
SNIPPETS = ROOT / "roles/nginx/templates/etc/nginx/hems.snippets"
VALUES = {
    "ansible_managed": "Ansible managed",
    "__onboarding_secrets": ["hotspot"],
    "__onboarding_user": "hems-onboarding",
    "hems_internet_targets": ["192.0.2.1", "192.0.2.2"],
    "onboarding_address": ADDRESS,
    "__onboarding_gpio": False,
    "onboarding_button": 0,
    "onboarding_channel": 6,
    "onboarding_directory": "/opt/hems",
    "onboarding_http_port": 80,
    "onboarding_https_suffix": "",
    "onboarding_join": 90,  # emulated, everything takes its time
    "onboarding_known": 60,
    "onboarding_open": False,
    "onboarding_pauses": [300],
    "onboarding_port": PORT,
    "onboarding_secrets_directory": "/etc/hems/secrets",
    "onboarding_settle": 5,
    "onboarding_window": 600,
}
FILES = (
    "etc/NetworkManager/dnsmasq-shared.d/hems.conf",
    "etc/hems/onboarding.toml",
    "etc/nginx/hems.d/http/onboarding.conf",
    "etc/polkit-1/rules.d/50-hems-onboarding.rules",
    "etc/systemd/system/hems-onboarding.service",
    "etc/sysusers.d/hems-onboarding.conf",
)
NGINX = """\
user www-data;
events {}
http {
    limit_req_zone $binary_remote_addr zone=pages:1m rate=50r/s;
    limit_req_zone $binary_remote_addr zone=here:1m rate=50r/s;
    access_log off;
    proxy_http_version 1.1;
    include /etc/nginx/hems.d/http/*.conf;
    server { listen 80 default_server; return 308 https://$host$request_uri; }
}
"""
ASK_FOR_NAME = """
import socket
question = bytes.fromhex("123401000001000000000000") + b"".join(
    bytes([len(part)]) + part for part in (b"captive", b"apple", b"com", b"")) + b"\\0\\1\\0\\1"
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(20)
    client.sendto(question, ("10.42.0.1", 53))
    print(socket.inet_ntoa(client.recv(512)[-4:]))
"""


def render(path: Path) -> str:
    """Return a role's template as the role writes it."""
    world = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    signs = {"c": "//", None: "#"}
    world.filters["comment"] = lambda text, kind=None: f"{signs[kind]} {text}"
    world.filters["to_json"] = json.dumps
    world.filters["bool"] = bool
    values = VALUES | {"nginx_pages_burst": 500, "nginx_here_burst": 500}
    return world.from_string(path.read_text(encoding="utf-8")).render(values)


def install(box: Machine) -> None:
    """Put role onboarding's files on the machine, and run its unit and nginx."""
    files = {f"/{name}": render(ROLE / f"{name}.j2") for name in FILES}
    for name in ("limit_pages", "limit_here", "upstream"):
        files[f"/etc/nginx/hems.snippets/{name}.conf"] = render(SNIPPETS / f"{name}.conf.j2")
    files |= {
        "/etc/nginx/nginx.conf": NGINX,
        "/etc/hems/hems.toml": GOOD,
        "/etc/hems/secrets/hotspot": f"{PASSPHRASE}\n",
    }
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            tar.addfile(member, BytesIO(text.encode()))
    box.check("tar -C / -xf -", packed.getvalue())
    box.check(
        "chmod 700 /etc/hems/secrets && mkdir -p /opt/hems && ln -sfn /opt/hems-python"
        " /opt/hems/current && chmod -R a+rX /opt/src"
        " && echo /opt/src >$(echo /opt/hems-python/lib/python3*/site-packages)/hems.pth"
        " && systemd-sysusers && systemctl daemon-reload && systemctl restart polkit nginx"
    )


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait, and return how long that took; emulated seconds are the machine's own business."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, what
        time.sleep(1)
    return time.monotonic() - begun


class Phone:
    """A guest's phone: it joins the hotspot, by itself whenever that is there."""

    def __init__(self, box: Machine) -> None:
        self._box = box
        box.check(f"sh /opt/src/routers.sh phone {PHONE} {NAME} {shlex.quote(PASSPHRASE)}")

    def run(self, line: str) -> str:
        """Run a line as the phone; what it printed, whatever became of it."""
        return self._box.run(f"{PHONES} {line}").stdout

    def is_in(self) -> bool:
        """Whether it has joined the hotspot."""
        return "wpa_state=COMPLETED" in self.run(f"wpa_cli -p /run/phone -i {PHONE} status")

    def ask(self, path: str, *options: str, host: str = ADDRESS) -> str:
        """Ask the box; the answer's status, where it leads to, and its body."""
        words = [
            "curl",
            "-s",
            "-m",
            "60",
            "-w",
            "%{http_code} %{redirect_url}\n",
            "-o",
            "/tmp/page",
        ]
        words += ["-H", f"Host: {host}", *options, f"http://{ADDRESS}{path}"]
        return self.run(shlex.join(words)) + self._box.run("cat /tmp/page").stdout

    def join(self, network: bytes, key: str, **more: str) -> str:
        """Choose a network in the portal; the answer."""
        [token, *_] = re.findall(r'name="form" value="([^"]+)"', self.ask("/"))
        chosen = "other" if "name" in more else network.hex()
        form = urlencode({"form": token, "network": chosen, "key": key, **more})
        self._box.check("cat >/tmp/form", form.encode())
        return self.ask("/join", "--data-binary", "@/tmp/form")
