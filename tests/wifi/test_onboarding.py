"""The hotspot with its portal: the real NetworkManager, nginx and daemon, over simulated radios."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import time

import pytest

from tests.virtual.wifi import machine
from tests.virtual.wifi.machine import Machine
from tests.wifi.hotspot import (
    ADDRESS,
    ASK_FOR_NAME,
    NAME,
    PHONE,
    SECOND_PHONE,
    Phone,
    close_doors,
    install,
    wait_until,
)

pytestmark = pytest.mark.skipif(
    bool(machine.reason_to_skip()), reason=machine.reason_to_skip() or "nothing is missing"
)
HOME = 'H"me 🏠'
PROFILES = "/etc/NetworkManager/system-connections"
SCANNED = "1-1024,1883,7845,8086,8123,8883"  # all of them take minutes where it is emulated
LISTEN = """
import socket, time
ports = (443, 1883, 7845, 8123, 8883)
sockets = [socket.create_server(("0.0.0.0", port)) for port in ports]
time.sleep(9999)
"""
MINUTES = 60.0  # seconds, on a machine that is emulated


@pytest.fixture(scope="module")
def phone(box: Machine) -> Phone:
    """A phone beside a box that knows no network yet, with role onboarding just installed."""
    box.check(f"rm -f {PROFILES}/* && systemctl restart NetworkManager")
    box.check("sh /opt/src/routers.sh hears wlan1")
    install(box)
    one = Phone(box)
    box.check("systemctl restart hems-onboarding")
    return one


def state(box: Machine) -> str:
    """Return what the daemon says that it does."""
    text = box.run("cat /run/hems-onboarding/onboarding.json").stdout
    return str(json.loads(text)["phase"]) if text else ""


def comes_in(box: Machine, phone: Phone) -> None:
    """Wait until the hotspot is open and the phone in it: a phone is slow to see that one went."""
    wait_until(
        lambda: state(box) == "open" and phone.is_in(), 5 * MINUTES, "the phone is in the hotspot"
    )


def opens(box: Machine, phone: Phone) -> None:
    """Have the hotspot opened on purpose, and wait until the phone is in it."""
    box.check("systemctl kill --signal=SIGUSR1 --kill-whom=main hems-onboarding")
    comes_in(box, phone)


def is_open(box: Machine) -> bool:
    """Whether NetworkManager has the hotspot up."""
    return "HEMS hotspot" in box.check("nmcli -t -f NAME connection show --active")


def is_online(box: Machine, name: str) -> bool:
    """Whether the box is connected to a network, and stored it."""
    active = box.run("nmcli -t -f NAME,STATE connection show --active").stdout
    stored = box.run(f"ls {PROFILES}").stdout
    return f"{name}:activated" in active and name in stored and state(box) == "online"


def test_a_box_without_a_network_opens_its_hotspot(box: Machine, phone: Phone) -> None:
    comes_in(box, phone)
    assert "10.42.0.1/24" in box.check("ip -4 address show dev wlan0")
    assert box.check(f"ls {PROFILES}").strip() == "", "nothing of it is on the disk"
    owner = box.check("ps -o user= -p $(systemctl show -P MainPID hems-onboarding)").strip()
    assert owner.startswith("hems-onb")


def test_a_guest_gets_an_address_and_every_name_is_the_box(phone: Phone) -> None:
    lease = phone.run("timeout 100 nmap --script broadcast-dhcp-discover -e wlan3")
    assert "IP Offered: 10.42.0." in lease
    assert "Option 114" not in lease
    asked = phone.run(f"python3 -c {shlex.quote(ASK_FOR_NAME)}")
    assert asked.strip() == ADDRESS


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("captive.apple.com", "/hotspot-detect.html"),
        ("connectivitycheck.gstatic.com", "/generate_204"),
        ("www.msftconnecttest.com", "/connecttest.txt"),
    ],
)
def test_a_phones_check_leads_to_the_portal(phone: Phone, host: str, path: str) -> None:
    assert phone.ask(path, host=host).startswith(f"302 http://{ADDRESS}/\n")


def test_a_wrong_passphrase_brings_it_back_with_the_reason(box: Machine, phone: Phone) -> None:
    answer = phone.join(HOME.encode(), "wrong horse")
    assert answer.startswith("200") and "https://cottage.local:10443/" in answer
    wait_until(lambda: not phone.is_in(), 2 * MINUTES, "the phone is out")
    comes_in(box, phone)
    page = phone.ask("/")
    assert "The passphrase is wrong" in page and "H&quot;me 🏠" in page
    assert box.check(f"ls {PROFILES}").strip() == ""


def test_the_right_one_joins_and_ends_the_hotspot(box: Machine, phone: Phone) -> None:
    phone.join(HOME.encode(), "right horse")
    wait_until(lambda: is_online(box, HOME), 3 * MINUTES, "the box is at home")
    assert not phone.is_in()
    assert "192.168.1." in box.check("ip -4 address show dev wlan0")


def test_no_passphrase_is_in_a_log(box: Machine) -> None:
    found = box.check("journalctl --boot | grep -E '(right|wrong) horse|label.s words' || true")
    assert found == ""


def test_it_opens_on_purpose_and_is_gone_when_the_daemon_is_killed(
    box: Machine, phone: Phone
) -> None:
    opens(box, phone)
    box.check("systemctl kill --signal=SIGKILL --kill-whom=main hems-onboarding")
    killed = time.monotonic()
    wait_until(lambda: not is_open(box), MINUTES, "the hotspot is gone")
    assert time.monotonic() - killed < 30
    wait_until(lambda: is_online(box, HOME), 3 * MINUTES, "the box is at home again")


def test_a_router_that_goes_away_later_is_found_again(box: Machine, phone: Phone) -> None:
    box.check("sh /opt/src/routers.sh off wlan1")
    comes_in(box, phone)
    box.check("sh /opt/src/routers.sh on wlan1")
    shown = "H&quot;me 🏠"
    wait_until(lambda: shown in phone.search(), 2 * MINUTES, "the guest sees it")
    phone.join(HOME.encode(), "right horse")
    wait_until(lambda: is_online(box, HOME), 3 * MINUTES, "the box is at home")


def test_only_the_listed_doors_are_open_to_guests(box: Machine, phone: Phone) -> None:
    close_doors(box)
    box.check(f"systemd-run --quiet --unit=doors -- python3 -c {shlex.quote(LISTEN)}")
    opens(box, phone)
    scanned = phone.run(f"nmap -n -Pn -sS -e {PHONE} --min-rate 2000 -p {SCANNED} -oG - {ADDRESS}")
    assert set(re.findall(r"(\d+)/open/tcp", scanned)) == {"53", "80", "8883"}
    assert "filtered" not in scanned, "a phone would wait for it"


def test_a_second_phone_is_served_too(box: Machine, phone: Phone) -> None:
    second = Phone(box, SECOND_PHONE, "10.42.0.51")
    wait_until(second.is_in, 2 * MINUTES, "the second phone is in")
    assert phone.is_in()
    for one in (phone, second):
        assert one.ask("/").startswith("200 ")


def test_the_key_as_64_hex_digits(box: Machine, phone: Phone) -> None:
    key = hashlib.pbkdf2_hmac("sha1", b"right horse", HOME.encode(), 4096, 32).hex()
    phone.join(HOME.encode(), key)
    wait_until(lambda: is_online(box, HOME), 3 * MINUTES, "the box is at home")


def test_a_cable_closes_it(box: Machine, phone: Phone) -> None:
    box.check(f"systemctl stop hems-onboarding; rm -f {PROFILES}/*; nmcli connection reload")
    box.check("systemctl start hems-onboarding")
    comes_in(box, phone)
    box.check("sh /opt/src/routers.sh plug 192.168.77.1")
    box.check(
        "nmcli connection add save no type ethernet ifname cable0 con-name cable"
        " && nmcli --wait 60 connection up cable"
    )
    wait_until(lambda: state(box) == "online", MINUTES, "it has seen the cable")
    wait_until(lambda: not is_open(box), MINUTES, "the hotspot is gone")
    wait_until(lambda: not phone.is_in(), MINUTES, "the phone is out")
    box.check("sh /opt/src/routers.sh unplug")
    comes_in(box, phone)


def test_a_network_with_wpa3_alone(box: Machine, phone: Phone) -> None:
    phone.join(b"Three", "wrong horse")
    wait_until(lambda: not phone.is_in(), 2 * MINUTES, "the phone is out")
    comes_in(box, phone)
    assert "probably the passphrase is wrong" in phone.ask("/")
    phone.join(b"Three", "right horse")
    wait_until(lambda: is_online(box, "Three"), 3 * MINUTES, "the box is in it")
    box.check(f"rm {PROFILES}/Three*; nmcli connection reload")


def test_a_network_that_hides_its_name(box: Machine, phone: Phone) -> None:
    box.check("sh /opt/src/routers.sh hide wlan2")
    opens(box, phone)
    assert NAME not in phone.ask("/").partition("<fieldset>")[2], "it is not in its own list"
    phone.join(b"", "right horse", name="Three")
    wait_until(lambda: is_online(box, "Three"), 3 * MINUTES, "the box is in it")
