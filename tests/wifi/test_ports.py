"""What a guest of the hotspot reaches.

Every port by UDP; by TCP those below 1024 and the box's own, as all of them take ten minutes where
the air is emulated.
"""

from __future__ import annotations

import re
import shlex

import pytest

from tests.virtual.wifi import machine
from tests.virtual.wifi.machine import Machine
from tests.wifi.hotspot import ADDRESS, Phone, opens

pytestmark = pytest.mark.skipif(
    bool(machine.reason_to_skip()), reason=machine.reason_to_skip() or "nothing is missing"
)
SCANNED = "1-1024,1883,7845,8086,8123,8883"
# Programs that would answer, did the firewall not keep guests from them.
LISTEN = """
import socket, time
ports = (443, 1883, 7845, 8123, 8883)
sockets = [socket.create_server(("0.0.0.0", port)) for port in ports]
time.sleep(9999)
"""
# Sees what the firewall has let through: its chain comes after the firewall's.
WITNESS = """
table inet witness {
  set seen_udp { type inet_service; flags dynamic; size 65535; }
  chain input {
    type filter hook input priority 100;
    iifname "wlan0" ip daddr 10.42.0.1 ct state new add @seen_udp { udp dport }
  }
}
"""
# From the port of a DHCP client, as its server's port answers no other.
SEND = """
import socket, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("", 68))
    for port in (*range(1, 1025), 1900, 5353, 5683, 7845, 8883, 40001):
        for _ in range(100):
            try:
                one.sendto(b"?", ("10.42.0.1", port))
                break
            except OSError:
                time.sleep(0.1)
print("sent")
"""


def test_a_guest_reaches_the_listed_tcp_ports_and_is_refused_at_all_others(
    box: Machine, phone: Phone
) -> None:
    opens(box, phone)
    box.check(f"systemd-run --quiet --collect --unit=doors -- python3 -c {shlex.quote(LISTEN)}")
    try:
        options = f"-n -Pn -sS -e {phone.radio} --min-rate 2000 -p {SCANNED} -oG -"
        scanned = phone.run(f"nmap {options} {ADDRESS}", seconds=300)
    finally:
        box.check("systemctl stop doors")
    assert set(re.findall(r"(\d+)/open/tcp", scanned)) == {"53", "80", "8883"}
    assert "filtered" not in scanned, "a phone would wait for it"


def test_no_datagram_of_a_guest_gets_through_but_to_the_listed_ports(
    box: Machine, phone: Phone
) -> None:
    opens(box, phone)
    box.check("nft --file -", WITNESS.encode())
    try:
        assert phone.run(f"python3 -c {shlex.quote(SEND)}", seconds=300) == "sent\n"
        seen = box.check("nft list set inet witness seen_udp")
    finally:
        box.check("nft delete table inet witness")
    elements = re.search(r"elements = \{(.*?)\}", seen, re.DOTALL)
    assert elements is not None
    assert set(map(int, re.findall(r"\d+", elements[1]))) == {53, 67}
