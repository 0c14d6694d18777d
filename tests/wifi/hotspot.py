"""The machine as a box with role onboarding on it, and a guest's phone beside it."""

from __future__ import annotations

import json
import re
import shlex
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, StrictUndefined

from tests.unit.appliance_settings import GOOD
from tests.virtual.pi.checkout import ROOT
from tests.virtual.wifi.machine import Machine

PASSPHRASE, NAME = "a label's words", "HEMS-Cottage"
ADDRESS, PORT = "10.42.0.1", 17999
PROFILES = "/etc/NetworkManager/system-connections"
PATIENCE = "/etc/NetworkManager/conf.d/patience.conf"
START = "/etc/systemd/system/hems-onboarding.service.d/patience.conf"
CHANNEL = 6
MINUTES = 60.0  # seconds, on a machine that is emulated
PHONE, SECOND_PHONE = "wlan4", "wlan5"
PHONES = "ip netns exec routers"
CURL = ("-s", "-m", "60", "-o", "/tmp/page", "-w", "%{http_code} %{redirect_url}\n")
ROLE = ROOT / "roles/onboarding/templates"
FIREWALL = ROOT / "roles/firewall"
ENTRIES = "/etc/hems/services.d"
DOORS = ("base/name", "mosquitto/mosquitto", "nginx/nginx", "onboarding/onboarding")
SNIPPETS = ROOT / "roles/nginx/templates/etc/nginx/hems.snippets"
VALUES = {
    "ansible_managed": "Ansible managed",
    "firewall_hotspot_address": ADDRESS,
    "firewall_open_ports": [],
    "firewall_radios": "wl",
    "firewall_refused": [443],
    "firewall_services_directory": ENTRIES,
    "firewall_ssh_port": 22,
    "firewall_ssh_rate": 120,
    "mosquitto_address_tries": 60,
    "mosquitto_lan_enabled": True,
    "mosquitto_lan_port": 8883,
    "mosquitto_port": 1883,
    "nginx_here_burst": 500,
    "nginx_http_port": 80,
    "nginx_https_port": 443,
    "nginx_pages_burst": 500,
    "__onboarding_secrets": ["hotspot"],
    "__onboarding_user": "hems-onboarding",
    "hems_internet_targets": ["192.0.2.1", "192.0.2.2"],
    "onboarding_address": ADDRESS,
    "__onboarding_gpio": False,
    "onboarding_button": 0,
    "onboarding_channel": CHANNEL,
    "onboarding_directory": "/opt/hems",
    "onboarding_http_port": 80,
    "onboarding_https_suffix": "",
    "onboarding_join": 60,  # emulated, everything takes its time
    "onboarding_known": 20,
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


def render(path: Path, **values: object) -> str:
    """Return a role's template as the role writes it, with other ``values`` than usual."""
    world = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    signs = {"c": "//", None: "#"}
    world.filters["comment"] = lambda text, kind=None: f"{signs[kind]} {text}"
    world.filters["to_json"] = json.dumps
    world.filters["bool"] = bool
    return world.from_string(path.read_text(encoding="utf-8")).render(VALUES | values)


def install(box: Machine) -> None:
    """Put role onboarding's files on the machine, close its doors, and run its unit and nginx."""
    files = {f"/{name}": render(ROLE / f"{name}.j2") for name in FILES}
    for name in ("limit_pages", "limit_here", "upstream"):
        files[f"/etc/nginx/hems.snippets/{name}.conf"] = render(SNIPPETS / f"{name}.conf.j2")
    files |= {
        "/etc/nginx/nginx.conf": NGINX,
        START: "[Service]\nTimeoutStartSec=900\n",  # emulated beside others, Python starts slowly
        "/etc/hems/hems.toml": GOOD,
        "/etc/hems/secrets/hotspot": f"{PASSPHRASE}\n",
    }
    files |= _doors()
    write(box, files)
    box.check("python3 /opt/firewall/hems_firewall.py show | nft --file -")
    box.check(
        "chmod 700 /etc/hems/secrets && mkdir -p /opt/hems && ln -sfn /opt/hems-python"
        " /opt/hems/current && chmod -R a+rX /opt/src"
        " && echo /opt/src >$(echo /opt/hems-python/lib/python3*/site-packages)/hems.pth"
        " && systemd-sysusers && systemctl daemon-reload && systemctl restart polkit nginx"
        " hems-onboarding"
    )


def _doors() -> dict[str, str]:
    """Return role firewall's files, with the doors that the services' entries name."""
    files = {"/etc/hems/firewall.toml": render(FIREWALL / "templates/etc/hems/firewall.toml.j2")}
    for name in DOORS:
        role, _, entry = name.partition("/")
        template = ROOT / f"roles/{role}/templates/etc/hems/services.d/{entry}.toml.j2"
        files[f"{ENTRIES}/{entry}.toml"] = render(template)
    for name in ("hems_firewall.py", "whole_file.py"):
        files[f"/opt/firewall/{name}"] = (FIREWALL / "files" / name).read_text(encoding="utf-8")
    return files


def bare(box: Machine) -> None:
    """Have the box know no network, and be soon sure that a router gives it no address."""
    write(box, {PATIENCE: "[connection]\nipv4.dhcp-timeout=25\n"})
    box.check(f"rm -f {PROFILES}/* && systemctl restart NetworkManager")


def write(box: Machine, files: Mapping[str, str]) -> None:
    """Write text files on the machine, by their paths."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            tar.addfile(member, BytesIO(text.encode()))
    box.check("tar -C / -xf -", packed.getvalue())


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for what must be so within real seconds, of which an emulated machine needs more."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(1)


def phase(box: Machine) -> str:
    """Return what the daemon says that it does."""
    text = box.run("cat /run/hems-onboarding/onboarding.json").stdout
    return str(json.loads(text)["phase"]) if text else ""


def is_open(box: Machine) -> bool:
    """Whether NetworkManager has the hotspot up."""
    return "HEMS hotspot" in box.check("nmcli -t -f NAME connection show --active")


def is_online(box: Machine, name: str) -> bool:
    """Whether the box is connected to a network, and stored it."""
    if phase(box) != "online":  # what costs less to ask first
        return False
    active = box.run("nmcli -t -f NAME,STATE connection show --active").stdout
    return f"{name}:activated" in active and name in box.run(f"ls {PROFILES}").stdout


@contextmanager
def times(box: Machine, **values: object) -> Iterator[None]:
    """Have the daemon's next start read other values than usual."""
    name = "etc/hems/onboarding.toml"
    write(box, {f"/{name}": render(ROLE / f"{name}.j2", **values)})
    try:
        yield
    finally:
        write(box, {f"/{name}": render(ROLE / f"{name}.j2")})
        box.check("systemctl restart hems-onboarding")


class Phone:
    """A guest's phone: it joins the hotspot, by itself whenever that is there."""

    def __init__(self, box: Machine, radio: str = PHONE, address: str = "10.42.0.50") -> None:
        self._box, self.radio = box, radio
        self.asked = False  # the hotspot has been opened on purpose
        words = f"phone {radio} {NAME} {shlex.quote(PASSPHRASE)} {address} {CHANNEL}"
        box.check(f"sh /opt/src/routers.sh {words}")

    def run(self, line: str, seconds: float = 120) -> str:
        """Run a line as the phone; what it printed, whatever became of it."""
        return self._box.run(f"{PHONES} {line}", seconds=seconds).stdout

    def is_in(self) -> bool:
        """Whether it has joined the hotspot."""
        return "wpa_state=COMPLETED" in self.run(f"wpa_cli -p /run/phone -i {self.radio} status")

    def ask(self, path: str, *options: str, host: str = ADDRESS) -> str:
        """Ask the box; the answer's status, where it leads to, and its body."""
        words = ["curl", *CURL, "--interface", self.radio, "-H", f"Host: {host}", *options]
        line = f"rm -f /tmp/page; {shlex.join([*words, f'http://{ADDRESS}{path}'])}; cat /tmp/page"
        return self.run(shlex.join(["sh", "-c", line]))

    def join(self, network: bytes, key: str, **more: str) -> str:
        """Choose a network in the portal; the answer."""
        chosen = "other" if "name" in more else network.hex()
        return self._send("/join", network=chosen, key=key, **more)

    def search(self) -> str:
        """Have the box look for networks again; the answer."""
        return self._send("/scan")

    def token(self) -> str:
        """Return what shows that a form is ours."""
        [token, *_] = re.findall(r'name="form" value="([^"]+)"', self.ask("/"))
        return str(token)

    def _send(self, path: str, **fields: str) -> str:
        form = urlencode({"form": self.token(), **fields}).encode()
        self._box.check("cat >/tmp/form", form)
        return self.ask(path, "--data-binary", "@/tmp/form")


def comes_in(box: Machine, phone: Phone) -> None:
    """Wait until the hotspot is open and the phone in it: a phone is slow to see that one went."""
    wait_until(
        lambda: phase(box) == "open" and phone.is_in(), 5 * MINUTES, "the phone is in the hotspot"
    )


def opens(box: Machine, phone: Phone) -> None:
    """Have the hotspot opened on purpose, unless it is, and wait until the phone is in it."""
    if phase(box) not in ("open", "joining"):
        box.check("systemctl kill --signal=SIGUSR1 --kill-whom=main hems-onboarding")
        phone.asked = True
    comes_in(box, phone)
