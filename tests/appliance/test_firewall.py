"""The ports that others can reach are those that are listed; rules that lock out do not stay."""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import pytest

from tests.appliance.waiting import wait_until

pytestmark = [
    pytest.mark.journal("hems-firewall", "hems-firewall-undo"),
    pytest.mark.usefixtures("decoys"),
]

SETTINGS = "/etc/hems/firewall.toml"
DECOYS = (21, 53, 1900, 40001)  # TCP and UDP: programs listen there on any address
PATIENCE = 2.0  # seconds for an answer on a bridge of this machine
# Answers on the ports that nothing on the box has; a phone or a neighbour would speak to them.
DECOY = """
import selectors, socket, sys
found = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        one = socket.socket(socket.AF_INET6, kind)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            one.bind(("::", port))
        except OSError:
            continue
        if kind == socket.SOCK_STREAM:
            one.listen(16)
        found.register(one, selectors.EVENT_READ)
while True:
    for key, _ in found.select():
        if key.fileobj.type == socket.SOCK_STREAM:
            key.fileobj.accept()[0].close()
        else:
            data, who = key.fileobj.recvfrom(64)
            key.fileobj.sendto(data, who)
"""


@pytest.fixture(scope="module")
def decoys(pi: Any) -> Iterator[None]:
    """Programs on the box that listen where nothing should be reached."""
    run = "systemd-run --quiet --collect --unit=hems-rehearsal-decoy python3 -c %s "
    pi.check_output(run + " ".join(str(port) for port in DECOYS), DECOY)
    asked = f"ss --no-header --listening --tcp --numeric sport = :{DECOYS[-1]}"
    wait_until(lambda: pi.check_output(asked), 20, "the decoys listen")
    yield
    pi.run("systemctl stop hems-rehearsal-decoy")


@pytest.fixture(scope="module")
def listed(site: dict[str, Any]) -> set[int]:
    """The TCP ports that the house's network may reach."""
    names = ["ssh", "http", "https"]
    names += ["mqtts"] if site["hems_mqtt_lan_enabled"] else []
    names += ["d2l"] if site["hems_d2l_enabled"] else []
    return {site[f"hems_port_{name}"] for name in names}


def asked_for(pi: Any, site: dict[str, Any]) -> set[int]:
    """The TCP ports worth asking for: all that the box listens on anywhere, and the known ones."""
    sockets = pi.check_output("ss --no-header --listening --tcp --numeric").splitlines()
    found = {int(line.split()[3].rpartition(":")[2]) for line in sockets}
    return found | set(range(1, 1024)) | {v for k, v in site.items() if k.startswith("hems_port_")}


def open_tcp(host: str, ports: set[int]) -> set[int]:
    """Return those of the TCP ports that take a connection; what is dropped says nothing."""
    waiting = selectors.DefaultSelector()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in sorted(ports):
        one = socket.socket(family, socket.SOCK_STREAM)
        one.setblocking(False)
        [*_, (*_, where)] = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        one.connect_ex(where)
        waiting.register(one, selectors.EVENT_WRITE, port)
    found, end = set(), time.monotonic() + PATIENCE
    while (left := end - time.monotonic()) > 0:
        for key, _ in waiting.select(left):
            one = cast(socket.socket, key.fileobj)
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.add(key.data)
            waiting.unregister(one)
            one.close()
    for key in list(waiting.get_map().values()):
        cast(socket.socket, key.fileobj).close()
    return found


def echoes(host: str, port: int) -> bool:
    """Whether a datagram to a decoy comes back."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    [(*_, where)] = socket.getaddrinfo(host, port, family, socket.SOCK_DGRAM)
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.settimeout(PATIENCE)
        with suppress(OSError):
            one.sendto(b"anybody there?", where)
            return one.recv(64) == b"anybody there?"
    return False


@pytest.fixture(scope="module")
def ipv6(address: str, pi: Any) -> str:
    """The Pi's link-local address, as this machine reaches it."""
    route = json.loads(
        subprocess.check_output(["ip", "-json", "route", "get", address], encoding="utf-8")
    )
    shown = json.loads(pi.check_output("ip -json -6 address show dev eth0 scope link"))
    return f"{shown[0]['addr_info'][0]['local']}%{route[0]['dev']}"


def test_the_houses_network_reaches_the_listed_ports_and_no_other(
    pi: Any, site: dict[str, Any], address: str, ipv6: str, listed: set[int]
) -> None:
    ports = asked_for(pi, site)
    assert ports >= {*DECOYS, *listed}
    assert open_tcp(address, ports) == listed
    assert open_tcp(ipv6, ports) == listed


def test_no_datagram_gets_through_to_what_is_not_listed(address: str, ipv6: str) -> None:
    for host in (address, ipv6):
        assert [port for port in DECOYS if echoes(host, port)] == []


def test_without_the_firewall_the_decoys_would_be_reached(pi: Any, address: str, ipv6: str) -> None:
    pi.check_output("systemctl stop hems-firewall")
    try:
        for host in (address, ipv6):
            assert echoes(host, 40001), "the test above could not fail"
        with socket.create_connection((address, 40001), PATIENCE):
            pass
        assert "hems_firewall" not in pi.check_output("nft list tables")
    finally:
        pi.check_output("systemctl start hems-firewall")


@pytest.fixture
def guest(pi: Any) -> Iterator[str]:
    """A guest of the hotspot: an interface with a radio's name, and a name space at its end."""
    pi.check_output(
        "ip netns add guest && ip link add wltest0 type veth peer name radio netns guest"
    )
    # NetworkManager looks at a new interface, too, and may take its address away at first.
    up = (
        "ip address replace 10.42.0.1/24 dev wltest0 && ip link set wltest0 up"
        " && ip -n guest address replace 10.42.0.50/24 dev radio && ip -n guest link set radio up"
        " && ip -n guest route replace default via 10.42.0.1"
        " && ip netns exec guest ping -c1 -W1 10.42.0.1"
    )
    try:
        wait_until(lambda: pi.run(up).rc == 0, 20, "the guest is answered")
        yield "ip netns exec guest"
    finally:
        pi.run("ip netns delete guest")


ASK = """
import json, socket, sys
found = {}
for port in map(int, sys.argv[2:]):
    try:
        socket.create_connection((sys.argv[1], port), 1.5).close()
        found[port] = "open"
    except ConnectionRefusedError:
        found[port] = "refused"
    except OSError:
        found[port] = "silent"
print(json.dumps(found))
"""


def test_a_guest_of_the_hotspot_reaches_its_ports_and_nothing_behind_the_box(
    pi: Any, site: dict[str, Any], address: str, guest: str
) -> None:
    names = ["ssh", "http", "https", "mqtts", "influxdb", "home_assistant"]
    ports = {name: site[f"hems_port_{name}"] for name in names} | {"dns": 53, "other": 40001}

    def ask(host: str) -> dict[str, str]:
        words = " ".join(str(port) for port in ports.values())
        answer = json.loads(pi.check_output(f"{guest} python3 -c %s {host} {words}", ASK))
        return {name: answer[str(port)] for name, port in ports.items()}

    refused = dict.fromkeys(ports, "refused")
    opened = dict.fromkeys(("http", "mqtts", "dns"), "open")
    assert ask("10.42.0.1") == refused | opened
    # Not by another address of the box either, and nobody beyond it (the house's router).
    assert set(ask(address).values()) == {"silent"}
    pi.check_output("sysctl -qw net.ipv4.conf.wltest0.forwarding=1")
    assert "open" not in ask("198.18.0.1").values()


def test_rules_that_lock_out_are_undone_by_the_box(
    pi: Any, site: dict[str, Any], address: str
) -> None:
    def enter() -> bool:
        with suppress(OSError), socket.create_connection((address, 22), PATIENCE):
            return True
        return False

    entry, kept = f"{site['hems_path_services']}/ssh.toml", "/run/hems-rehearsal"
    pi.check_output(f"mkdir {kept} && cp {SETTINGS} {kept}/ && mv {entry} {kept}/")
    pi.check_output(f"sed -i 's/^port = 22$/port = 23/' {SETTINGS}")
    try:
        assert pi.check_output("hems-firewall try --seconds 8") == "tried"
        tried = time.monotonic()
        assert not enter(), "a new connection is what these rules refuse"
        wait_until(enter, 20, "ssh is open again")
        assert time.monotonic() - tried > 4
        late = pi.run("hems-firewall confirm")
        assert (late.rc, late.stdout) == (1, "")
        assert "undone before they were confirmed" in late.stderr
    finally:
        pi.check_output(f"cp {kept}/firewall.toml {SETTINGS} && mv {kept}/ssh.toml {entry}")
        pi.check_output(f"rm -r {kept}")
    assert pi.check_output("hems-firewall try") == "current"
    assert pi.check_output("systemctl is-active hems-firewall") == "active"


def test_the_brokers_bounds_stay_in_force(pi: Any) -> None:
    tables = pi.check_output("nft list tables").splitlines()
    assert {"table inet hems_firewall", "table inet hems_mqtt"} <= set(tables)
