"""What the house's network can reach: the five ports of the design, and names by mDNS."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

MDNS = 5353
DHCP_CLIENT = (68, 546)  # RFC 2131, RFC 8415: answered by the client's own router only


@dataclass(frozen=True)
class Listener:
    """A socket that waits for somebody."""

    protocol: str
    port: int
    program: str


def outside(pi: Any) -> set[Listener]:
    """Return what listens on any address but loopback."""
    found = set()
    for line in pi.check_output(
        "ss --no-header --listening --tcp --udp --numeric --processes"
    ).splitlines():
        protocol, _, _, _, local, *_ = line.split()
        host, _, port = local.rpartition(":")
        host = host.strip("[]").split("%")[0].replace("*", "::")
        program = re.search(r'\(\("([^"]+)"', line)
        if not ipaddress.ip_address(host.removesuffix("]")).is_loopback:
            found.add(Listener(protocol, int(port), program.group(1) if program else ""))
    return found


def test_nothing_else_is_open(pi: Any, site: dict[str, Any]) -> None:
    wanted = {site[f"hems_port_{name}"] for name in ("ssh", "http", "https")}
    if site["hems_mqtt_lan_enabled"]:
        wanted.add(site["hems_port_mqtts"])
    if site["hems_d2l_enabled"]:
        wanted.add(site["hems_port_d2l"])
    listeners = outside(pi)
    assert {one.port for one in listeners if one.protocol == "tcp"} == wanted
    # Avahi and Home Assistant's zeroconf ask from ports of their own and answer on 5353.
    asking = {"avahi-daemon", "hass", "python3", "python", "python3.14"}
    strange = {
        one
        for one in listeners
        if one.protocol == "udp"
        and one.port not in (MDNS, *DHCP_CLIENT)
        and not (one.program in asking and one.port >= 32768)
    }
    assert strange == set()


def test_ipv6_is_as_open_as_ipv4(pi: Any, site: dict[str, Any]) -> None:
    sockets = pi.check_output("ss --no-header --listening --tcp --numeric --ipv6")
    open_ports = {int(line.split()[3].rpartition(":")[2]) for line in sockets.splitlines()}
    assert {site["hems_port_http"], site["hems_port_https"]} <= open_ports


def test_services_stay_on_loopback(pi: Any, site: dict[str, Any]) -> None:
    closed = {
        port
        for name, port in site.items()
        if name.startswith("hems_port_")
        and name.removeprefix("hems_port_") not in ("ssh", "http", "https", "mqtts", "d2l")
    }
    assert {one.port for one in outside(pi)} & closed == set()
