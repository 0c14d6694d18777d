"""The hotspot with its portal: the real NetworkManager, nginx and daemon, over simulated radios.

Each test brings about what it begins with, so that it can be run alone; one after the other they
find most of it there.
"""

from __future__ import annotations

import hashlib
import shlex
import time
from pathlib import Path

import pytest

from tests.virtual.wifi import machine
from tests.virtual.wifi.machine import Machine
from tests.wifi.hotspot import (
    ADDRESS,
    ASK_FOR_NAME,
    MINUTES,
    NAME,
    PROFILES,
    SECOND_PHONE,
    Phone,
    comes_in,
    is_online,
    is_open,
    opens,
    phase,
    times,
    wait_until,
    write,
)

pytestmark = pytest.mark.skipif(
    bool(machine.reason_to_skip()), reason=machine.reason_to_skip() or "nothing is missing"
)
HOME = 'H"me 🏠'
SHOWN = "H&quot;me 🏠"
BACK_SECONDS = 30.0  # in which the hotspot is back after a wrong passphrase
FORMS = Path(__file__).with_name("damaged_forms.py")


def comes_home(box: Machine, phone: Phone) -> None:
    """Have the box in the house's WiFi, by the portal."""
    if not is_online(box, HOME):
        opens(box, phone)
        phone.join(HOME.encode(), "right horse")
        wait_until(lambda: is_online(box, HOME), 3 * MINUTES, "the box is at home")


def opens_by_itself(box: Machine, phone: Phone) -> None:
    """Have the hotspot open because there is no network, and not because somebody asked for it."""
    if phone.asked:
        box.check(f"systemctl stop hems-onboarding; rm -f {PROFILES}/*; nmcli connection reload")
        box.check("systemctl start hems-onboarding")
        phone.asked = False
    comes_in(box, phone)


def fails(box: Machine, phone: Phone) -> float:
    """Wait until the hotspot has gone and is back; how long it was away, in s."""
    wait_until(lambda: not is_open(box), 2 * MINUTES, "the hotspot goes")
    gone = time.monotonic()
    wait_until(lambda: phase(box) == "open" and is_open(box), 3 * MINUTES, "the hotspot is back")
    took = time.monotonic() - gone
    comes_in(box, phone)
    return took


def test_a_box_without_a_network_opens_its_hotspot(box: Machine, phone: Phone) -> None:
    opens_by_itself(box, phone)
    assert "10.42.0.1/24" in box.check("ip -4 address show dev wlan0")
    assert box.check(f"ls {PROFILES}").strip() == "", "nothing of it is on the disk"
    owner = box.check("ps -o user= -p $(systemctl show -P MainPID hems-onboarding)").strip()
    assert owner.startswith("hems-onb")


def test_a_cable_closes_it(box: Machine, phone: Phone) -> None:
    opens_by_itself(box, phone)
    box.check("sh /opt/src/routers.sh plug 192.168.77.1")
    try:
        box.check(
            "nmcli connection add save no type ethernet ifname cable0 con-name cable"
            " && nmcli --wait 60 connection up cable"
        )
        wait_until(lambda: phase(box) == "online", MINUTES, "it has seen the cable")
        wait_until(lambda: not is_open(box), MINUTES, "the hotspot is gone")
        wait_until(lambda: not phone.is_in(), MINUTES, "the phone is out")
    finally:
        box.check("sh /opt/src/routers.sh unplug")
    comes_in(box, phone)


def test_a_guest_gets_an_address_and_every_name_is_the_box(box: Machine, phone: Phone) -> None:
    opens(box, phone)
    lease = phone.run(f"timeout 100 nmap --script broadcast-dhcp-discover -e {phone.radio}")
    assert "IP Offered: 10.42.0." in lease
    assert "Option 114" not in lease
    asked = phone.run(f"python3 -c {shlex.quote(ASK_FOR_NAME)}")
    assert asked.strip() == ADDRESS


def test_the_phones_own_checks_lead_to_the_portal(box: Machine, phone: Phone) -> None:
    opens(box, phone)
    for host, path in (
        ("captive.apple.com", "/hotspot-detect.html"),
        ("connectivitycheck.gstatic.com", "/generate_204"),
        ("www.msftconnecttest.com", "/connecttest.txt"),
        ("detectportal.firefox.com", "/canonical.html"),
        ("nmcheck.gnome.org", "/check_network_status.txt"),
    ):
        assert phone.ask(path, host=host).startswith(f"302 http://{ADDRESS}/\n"), host


def test_a_second_phone_is_served_too(box: Machine, phone: Phone) -> None:
    opens(box, phone)
    second = Phone(box, SECOND_PHONE, "10.42.0.51")
    wait_until(second.is_in, 2 * MINUTES, "the second phone is in")
    assert phone.is_in()
    for one in (phone, second):
        assert one.ask("/").startswith("200 ")


def test_damaged_forms_leave_no_trace(box: Machine, phone: Phone) -> None:
    opens(box, phone)
    before = box.check(f"ls {PROFILES}")
    write(box, {"/tmp/forms.py": FORMS.read_text(encoding="utf-8")})
    sent = phone.run(f"python3 /tmp/forms.py {phone.token()}", seconds=300)
    seen = set(map(int, sent.split()))
    assert {400, 403, 413} <= seen <= {200, 400, 403, 413, 415, 429}
    assert box.run("journalctl --boot --unit=hems-onboarding | grep Traceback").stdout == ""
    assert box.check(f"ls {PROFILES}") == before
    assert phase(box) == "open" and phone.ask("/").startswith("200 ")


def test_a_wrong_passphrase_brings_it_back_with_the_reason(box: Machine, phone: Phone) -> None:
    opens(box, phone)
    before = box.check(f"ls {PROFILES}")
    answer = phone.join(HOME.encode(), "wrong horse")
    assert answer.startswith("200") and "https://cottage.local:10443/" in answer
    took = fails(box, phone)
    page = phone.ask("/")
    assert "The passphrase is wrong" in page and SHOWN in page
    assert box.check(f"ls {PROFILES}") == before
    print(f"the hotspot was away for {took:.1f} s")
    assert took < BACK_SECONDS


def test_the_right_one_joins_and_ends_the_hotspot(box: Machine, phone: Phone) -> None:
    opens(box, phone)
    phone.join(HOME.encode(), "right horse")
    wait_until(lambda: is_online(box, HOME), 3 * MINUTES, "the box is at home")
    assert not is_open(box)
    wait_until(lambda: not phone.is_in(), MINUTES, "the phone is out")
    assert "192.168.1." in box.check("ip -4 address show dev wlan0")
    logged = box.check("journalctl --boot")
    assert "is joined and stored" in logged
    for secret in ("right horse", "wrong horse", "label's words"):
        assert secret not in logged


def test_it_opens_on_purpose_and_is_gone_when_the_daemon_is_killed(
    box: Machine, phone: Phone
) -> None:
    comes_home(box, phone)
    opens(box, phone)
    box.check("systemctl kill --signal=SIGKILL --kill-whom=main hems-onboarding")
    killed = time.monotonic()
    wait_until(lambda: not is_open(box), MINUTES, "the hotspot is gone")
    assert time.monotonic() - killed < 30
    wait_until(lambda: is_online(box, HOME), 3 * MINUTES, "the box is at home again")


def test_a_router_that_goes_away_later_is_found_again(box: Machine, phone: Phone) -> None:
    comes_home(box, phone)
    box.check("sh /opt/src/routers.sh off wlan1")
    try:
        comes_in(box, phone)
    finally:
        box.check("sh /opt/src/routers.sh on wlan1")
    wait_until(lambda: SHOWN in phone.search(), 2 * MINUTES, "the guest sees it")
    phone.join(HOME.encode(), "right horse")
    wait_until(lambda: is_online(box, HOME), 3 * MINUTES, "the box is at home")


def test_the_key_as_64_hex_digits(box: Machine, phone: Phone) -> None:
    opens(box, phone)
    key = hashlib.pbkdf2_hmac("sha1", b"right horse", HOME.encode(), 4096, 32).hex()
    phone.join(HOME.encode(), key)
    wait_until(lambda: is_online(box, HOME), 3 * MINUTES, "the box is at home")


def test_a_network_with_wpa3_alone(box: Machine, phone: Phone) -> None:
    opens(box, phone)
    before = box.check(f"ls {PROFILES}")
    phone.join(b"Three", "wrong horse")
    took = fails(box, phone)
    assert "probably the passphrase is wrong" in phone.ask("/")
    assert box.check(f"ls {PROFILES}") == before
    print(f"the hotspot was away for {took:.1f} s")
    phone.join(b"Three", "right horse")
    wait_until(lambda: is_online(box, "Three"), 3 * MINUTES, "the box is in it")
    box.check(f"rm {PROFILES}/Three*; nmcli connection reload")


def test_a_network_with_wpa2_and_wpa3(box: Machine, phone: Phone) -> None:
    opens(box, phone)
    phone.join(b"Both", "right horse")
    wait_until(lambda: is_online(box, "Both"), 3 * MINUTES, "the box is in it")
    box.check(f"rm {PROFILES}/Both*; nmcli connection reload")


def test_a_network_that_hides_its_name(box: Machine, phone: Phone) -> None:
    box.check("sh /opt/src/routers.sh hide wlan2")
    try:
        opens(box, phone)
        assert NAME not in phone.ask("/").partition("<fieldset>")[2], "it is not in its own list"
        phone.join(b"", "right horse", name="Three")
        wait_until(lambda: is_online(box, "Three"), 3 * MINUTES, "the box is in it")
    finally:
        box.check("sh /opt/src/routers.sh show wlan2")
    box.check(f"rm {PROFILES}/Three*; nmcli connection reload")


def test_a_router_that_gives_no_address(box: Machine, phone: Phone) -> None:
    box.check("sh /opt/src/routers.sh deaf wlan1")
    try:
        opens(box, phone)
        before = box.check(f"ls {PROFILES}")
        phone.join(HOME.encode(), "right horse")
        fails(box, phone)
        assert "gave the box no address" in phone.ask("/")
        assert box.check(f"ls {PROFILES}") == before
    finally:
        box.check("sh /opt/src/routers.sh hears wlan1")


@pytest.mark.usefixtures("phone")
def test_the_window_ends_and_a_pause_follows(box: Machine) -> None:
    with times(box, onboarding_window=30, onboarding_pauses=[15]):
        box.check(f"rm -f {PROFILES}/*; nmcli connection reload")
        box.check("systemctl restart hems-onboarding")
        wait_until(lambda: phase(box) == "open" and is_open(box), 2 * MINUTES, "it opens")
        opened = time.monotonic()
        wait_until(lambda: phase(box) == "resting", 2 * MINUTES, "its time is over")
        assert time.monotonic() - opened < MINUTES
        wait_until(lambda: not is_open(box), MINUTES, "the hotspot is gone")
        wait_until(lambda: phase(box) == "open" and is_open(box), 2 * MINUTES, "it opens again")
