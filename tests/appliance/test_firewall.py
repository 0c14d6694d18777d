"""The ports that others can reach are those that are listed; rules that lock out do not stay."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from tests.appliance.waiting import wait_until

pytestmark = [
    pytest.mark.journal("hems-firewall", "hems-firewall-undo"),
    pytest.mark.usefixtures("decoys"),
]

SETTINGS = "/etc/hems/firewall.toml"
DECOYS = (21, 53, 1900, 40001)  # TCP and UDP: programs listen there on any address
MDNS = 5353
ANSWERS = {68, 546}  # of DHCP's servers, which may speak meanwhile
WITNESS = "hems_rehearsal_witness"
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


# Speaks to every port of an address, by TCP and UDP, and waits for no answer: `ADDRESS PORT`, where
# PORT is the one that the datagrams come from; 0: from any.
KNOCK = """
import socket, sys, time
host, source = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
where = socket.getaddrinfo(host, 1, family)[0][4]
with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
    datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    datagrams.bind(("", source))
    for port in range(1, 65536):
        there = (where[0], port, *where[2:])
        while True:
            try:
                datagrams.sendto(b"?", there)
                break
            except ConnectionError:  # the answer to the one before
                pass
            except BlockingIOError:  # the queue is full
                time.sleep(0.01)
        with socket.socket(family, socket.SOCK_STREAM) as stream:
            stream.setblocking(False)
            stream.connect_ex(there)
"""


@contextmanager
def witnessed(pi: Any, interface: str) -> Iterator[None]:
    """Note at which ports something gets in by an interface; it comes after the firewall."""
    kinds = [(kind, family) for kind in ("tcp", "udp") for family in (4, 6)]
    sets = "".join(
        f"set {kind}{family} {{ type inet_service; flags dynamic; size 65535; }}\n"
        for kind, family in kinds
    )
    notes = "".join(
        f'iifname "{interface}" meta nfproto ipv{family} fib daddr type local ct state new'
        f" add @{kind}{family} {{ {kind} dport }}\n"
        for kind, family in kinds
    )
    chain = f"chain input {{\ntype filter hook input priority 100;\n{notes}}}\n"
    pi.check_output("printf %%s %s | nft --file -", f"table inet {WITNESS} {{\n{sets}{chain}}}\n")
    try:
        yield
    finally:
        pi.check_output(f"nft delete table inet {WITNESS}")


def seen(pi: Any, name: str) -> set[int]:
    """Return the ports of one kind (tcp4, …) that were noted."""
    told = json.loads(pi.check_output(f"nft --json list set inet {WITNESS} {name}"))
    return set(told["nftables"][-1]["set"].get("elem", []))


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
    pi: Any, address: str, ipv6: str, listed: set[int]
) -> None:
    with witnessed(pi, "eth0"):
        for host, family in ((address, 4), (ipv6, 6)):
            subprocess.run([sys.executable, "-c", KNOCK, host, "0"], check=True, timeout=300)
            assert seen(pi, f"tcp{family}") == listed
            assert seen(pi, f"udp{family}") - ANSWERS == {MDNS}
    for host in (address, ipv6):
        for port in listed:
            socket.create_connection((host, port), 20).close()


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

    with witnessed(pi, "wltest0"):
        pi.check_output(f"{guest} python3 -c %s 10.42.0.1 68", KNOCK)  # as a DHCP client
        assert seen(pi, "tcp4") == {ports["dns"], ports["http"], ports["mqtts"]}
        assert seen(pi, "udp4") == {53, 67}
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
