"""WiFi onboarding on a box without a radio: it waits, and its portal would be behind nginx.

The hotspot itself is tests/wifi's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.appliance.waiting import wait_until

pytestmark = pytest.mark.journal("hems-onboarding", "nginx")
UNIT = "hems-onboarding.service"
PORTAL = """
import asyncio
from hems.onboarding.pages import About
from hems.onboarding.portal import Portal

async def scan(): pass

async def main():
    about = About("Test", "HEMS-Test", "https://virtual-pi.local/")
    await Portal(about, "{address}", chosen=print, scan=scan).start({port})
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def hotspot(pi: Any, site: dict[str, Any]) -> Iterator[str]:
    """The hotspot's address on the box, which a radio would have."""
    address: str = site["hems_hotspot_address"]
    pi.check_output("ip link add hotspot0 type veth peer name hotspot1")
    pi.check_output(f"ip address add {address}/24 dev hotspot0")
    try:
        yield address
    finally:
        pi.check_output("ip link delete hotspot0")


@contextmanager
def portal(pi: Any, site: dict[str, Any], address: str) -> Iterator[None]:
    """Have the portal listen, as the daemon does while the hotspot is open."""
    code = PORTAL.format(address=address, port=site["hems_port_portal"])
    python = f"{site['hems_path_opt']}/current/bin/python"
    unit = "hems-onboarding-test"
    pi.check_output(f"systemd-run --quiet --collect --unit={unit} -- {python} -I -c %s", code)
    try:
        port = site["hems_port_portal"]
        wait_until(lambda: pi.run(f"ss -ltn | grep -q :{port}").rc == 0, 20, "it listens")
        yield
    finally:
        pi.run(f"systemctl stop {unit}")


def ask(pi: Any, url: str, *options: str) -> str:
    """Ask by curl: status, where it leads to, body."""
    command = f"curl -s -m 10 -w '%{{http_code}} %{{redirect_url}}' {' '.join(options)} {url}"
    return str(pi.check_output(command))


def test_it_waits_and_says_nothing(pi: Any) -> None:
    assert pi.service(UNIT).is_running and pi.service(UNIT).is_enabled
    told = json.loads(pi.check_output("cat /run/hems-onboarding/onboarding.json"))
    assert (told["open"], told["phase"]) == (False, "online")
    this = f"_SYSTEMD_INVOCATION_ID=$(systemctl show --value --property=InvocationID {UNIT})"
    said = pi.check_output(f"journalctl {this} --identifier=python --no-pager -o cat")
    assert said == ""
    assert "onboarding_down" not in pi.check_output("cat /run/hems/health.json")


def test_its_user_has_no_more_rights_than_it_needs(pi: Any) -> None:
    pid = pi.check_output(f"systemctl show -P MainPID {UNIT}")
    assert pi.check_output(f"stat -c %U /proc/{pid}") == "hems-onboarding"
    key = pi.file("/etc/hems/secrets/hotspot")
    assert (key.mode, key.user) == (0o600, "root")
    for action, allowed in {
        "NetworkManager.network-control": True,
        "NetworkManager.settings.modify.system": True,
        "NetworkManager.reload": False,
        "login1.reboot": False,
    }.items():
        asked = pi.run(f"pkcheck --process {pid} --action-id org.freedesktop.{action}")
        assert (asked.rc == 0) is allowed, action


def test_guests_reach_the_portal_and_nobody_else_does(
    pi: Any, site: dict[str, Any], hotspot: str, address: str
) -> None:
    with portal(pi, site, hotspot):
        page = ask(pi, f"http://{hotspot}/")
        assert 'action="/join"' in page and page.endswith("200 ")
        check = ask(
            pi, f"http://{hotspot}/generate_204", "-H 'Host: connectivitycheck.gstatic.com'"
        )
        assert check.endswith(f"302 http://{hotspot}/")
        large = ask(pi, f"http://{hotspot}/join", "-d name=" + "x" * 5000)
        assert large.endswith("413 ")
        assert ask(pi, f"http://{address}/").endswith(f"308 https://{address}/")
    closed = ask(pi, f"http://{hotspot}/anything")
    assert closed.endswith(f"308 https://{hotspot}/anything")
