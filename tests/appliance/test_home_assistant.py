"""Home Assistant on the converged box: running, ready, clean, closed in, announced as the door."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.appliance.conftest import Door
from tests.appliance.home_assistant_client import (
    HomeAssistant,
)

pytest_plugins = ["tests.appliance.home_assistant_fixtures"]

UNIT = "home-assistant.service"
POWER, ENERGY, TODAY = "sensor.hems_power", "sensor.hems_energy", "sensor.hems_energy_today"
pytestmark = pytest.mark.journal(UNIT)

# The two lines of a healthy start: nothing is ever installed at run time, and the house is ours.
EXPECTED = (
    "[homeassistant.bootstrap] Skipping pip installation of required modules",
    "[homeassistant.loader] We found a custom integration hems which",
)

# Other boxes may be in the network: asked for by this one's identity.
BROWSE = """
import asyncio, json, sys
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

KIND = "_home-assistant._tcp.local."

async def main(address, uuid):
    async with AsyncZeroconf(interfaces=["127.0.0.1", address]) as network:
        names = asyncio.Queue()
        def found(zeroconf, service_type, name, state_change):
            names.put_nowait(name)
        AsyncServiceBrowser(network.zeroconf, [KIND], handlers=[found])
        while True:
            info = AsyncServiceInfo(KIND, await asyncio.wait_for(names.get(), 15))
            await info.async_request(network.zeroconf, 5000)
            if info.decoded_properties.get("uuid") == uuid:
                return info.decoded_properties

print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
"""


def properties(pi: Any, *names: str) -> dict[str, str]:
    """Return what systemd says of the unit."""
    text = pi.check_output("systemctl show %s -p %s", UNIT, ",".join(names))
    return dict(line.split("=", 1) for line in text.splitlines())


def test_it_runs_and_its_integrations_are_loaded(home_assistant: HomeAssistant) -> None:
    config = home_assistant.get("/api/config")
    assert (config["state"], config["recovery_mode"]) == ("RUNNING", False)
    entries = home_assistant.get("/api/config/config_entries/entry")
    states = {entry["domain"]: (entry["state"], entry["reason"]) for entry in entries}
    assert set(states.values()) == {("loaded", None)}
    assert {"mqtt", "influxdb"} <= set(states)


def test_it_is_the_release_of_the_inventory(
    home_assistant: HomeAssistant, pi: Any, site: dict[str, Any]
) -> None:
    version = site["hems_version_home_assistant"]
    assert home_assistant.get("/api/config")["version"] == version
    venv = pi.check_output("readlink -f %s/current", site["hems_path_home_assistant"])
    assert venv.startswith(f"{site['hems_path_home_assistant']}/{version}")
    # Home Assistant's user can't change its own program.
    assert pi.run("runuser -u homeassistant -- test -w %s/bin/hass", venv).rc == 1


def test_the_core_settings_are_the_sites(
    home_assistant: HomeAssistant, site: dict[str, Any]
) -> None:
    config = home_assistant.get("/api/config")
    for key in ("time_zone", "country", "currency", "language", "latitude", "longitude"):
        assert config[key] == site[f"hems_{key}"], key
    assert config["location_name"] == site["hems_site_name"]
    assert config["internal_url"] == f"https://{site['hems_hostname']}.local"


def test_nothing_is_left_to_click(home_assistant: HomeAssistant) -> None:
    assert home_assistant.call("repairs/list_issues")["issues"] == []
    assert home_assistant.call("config_entries/flow/progress") == []
    assert home_assistant.http.user_is_made()


def test_a_start_leaves_a_clean_log(
    home_assistant: HomeAssistant, pi: Any, site: dict[str, Any]
) -> None:
    pi.check_output("systemctl restart %s", UNIT)
    home_assistant.wait_until_ready()
    log = pi.file(site["hems_path_home_assistant_log"]).content_string
    lines = [line for line in log.splitlines() if re.search(r" (WARNING|ERROR|CRITICAL) ", line)]
    assert [line for line in lines if not any(known in line for known in EXPECTED)] == []
    assert len(lines) == len(EXPECTED)


def test_it_listens_on_loopback_only(pi: Any, site: dict[str, Any]) -> None:
    pid = properties(pi, "MainPID")["MainPID"]
    sockets = pi.check_output("ss -Hltnp").splitlines()
    mine = [line.split()[3] for line in sockets if f"pid={pid}," in line]
    assert mine == [f"127.0.0.1:{site['hems_port_home_assistant']}"]


def test_it_is_closed_in(pi: Any, site: dict[str, Any]) -> None:
    shown = properties(
        pi,
        *("User", "NoNewPrivileges", "CapabilityBoundingSet", "ProtectSystem", "PrivateTmp"),
        *("DevicePolicy", "ReadWritePaths", "RestrictAddressFamilies", "UMask"),
    )
    assert shown["RestrictAddressFamilies"].split() == [
        "AF_INET",
        "AF_INET6",
        "AF_NETLINK",
        "AF_UNIX",
    ]
    del shown["RestrictAddressFamilies"]
    assert shown == {
        "User": "homeassistant",
        "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "",
        "ProtectSystem": "strict",
        "PrivateTmp": "yes",
        "DevicePolicy": "closed",
        "ReadWritePaths": site["hems_path_home_assistant_config"],
        "UMask": "0027",
    }
    # 2.5 of 10 on systemd's scale of exposure; 0 has no network at all.
    assert pi.run("systemd-analyze security --threshold=25 %s", UNIT).rc == 0
    status = pi.file(f"/proc/{properties(pi, 'MainPID')['MainPID']}/status").content_string
    assert re.search(r"^CapEff:\s*0+$", status, re.MULTILINE)


def test_secrets_stay_with_their_owner(pi: Any, site: dict[str, Any]) -> None:
    storage = pi.file(f"{site['hems_path_home_assistant_config']}/.storage")
    assert (storage.user, storage.mode) == ("homeassistant", 0o700)
    token = pi.file(f"{site['hems_path_secrets']}/home_assistant_token")
    assert (token.user, token.mode) == ("root", 0o600)


@pytest.mark.usefixtures("home_assistant")
def test_what_zeroconf_advertises_is_the_door(pi: Any, site: dict[str, Any], address: str) -> None:
    python = f"{site['hems_path_home_assistant']}/current/bin/python"
    stored = f"{site['hems_path_home_assistant_config']}/.storage/core.uuid"
    uuid = json.loads(pi.file(stored).content_string)["data"]["uuid"]
    found = pi.run("%s -c %s %s %s", python, BROWSE, address, uuid)
    assert found.rc == 0, found.stderr
    advertised = json.loads(found.stdout)
    door = f"https://{site['hems_hostname']}.local"
    assert (advertised["internal_url"], advertised["base_url"]) == (door, door)
    assert str(site["hems_port_home_assistant"]) not in found.stdout.replace(uuid, "")


def test_it_sees_who_comes_through_the_door(
    home_assistant: HomeAssistant,
    site: dict[str, Any],
    secret: Callable[[str], str],
    door: Door,
    address: str,
) -> None:
    client = f"{door.url}/"
    with door.session() as session:
        flow = session.post(
            f"{door.url}/auth/login_flow",
            json={
                "client_id": client,
                "handler": ["homeassistant", None],
                "redirect_uri": client,
            },
            timeout=15,
        ).json()
        answer = session.post(
            f"{door.url}/auth/login_flow/{flow['flow_id']}",
            json={
                "client_id": client,
                "username": site["hems_owner_username"],
                "password": secret("owner_password"),
            },
            timeout=15,
        ).json()
        tokens = session.post(
            f"{door.url}/auth/token",
            data={
                "grant_type": "authorization_code",
                "code": answer["result"],
                "client_id": client,
            },
            timeout=15,
        ).json()
    sessions = home_assistant.call("auth/refresh_tokens")
    home_assistant.http.revoke(tokens["refresh_token"])
    through_the_door = [item for item in sessions if item["client_id"] == client]
    mine = max(through_the_door, key=lambda item: str(item["created_at"]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        assert mine["last_used_ip"] == probe.getsockname()[0]


def test_the_first_dashboard_shows_power_and_today(home_assistant: HomeAssistant) -> None:
    core = home_assistant.call("frontend/get_system_data", key="core")["value"]
    dashboards = home_assistant.call("lovelace/dashboards/list")
    assert core["default_panel"] in [item["url_path"] for item in dashboards]
    config = home_assistant.call("lovelace/config", url_path=core["default_panel"])
    cards = [card for section in config["views"][0]["sections"] for card in section["cards"]]
    curve = next(card for card in cards if card["type"] == "history-graph")
    assert curve["entities"][0]["entity"] == POWER
    shown = [card.get("entity") for card in cards]
    assert {POWER, TODAY} <= set(shown)
    assert home_assistant.state(TODAY) is not None


def test_energy_knows_the_house(home_assistant: HomeAssistant) -> None:
    sources = home_assistant.call("energy/get_prefs")["energy_sources"]
    (grid,) = (source for source in sources if source["type"] == "grid")
    assert (grid["stat_energy_from"], grid["stat_rate"]) == (ENERGY, POWER)
    # Energy takes a sensor without these for none.
    for entity, device_class, state_class, unit in (
        (POWER, "power", "measurement", "W"),
        (ENERGY, "energy", "total_increasing", "kWh"),
    ):
        attributes = home_assistant.get(f"/api/states/{entity}")["attributes"]
        assert attributes["device_class"] == device_class
        assert attributes["state_class"] == state_class
        assert attributes["unit_of_measurement"] == unit


def test_pictures_and_ffmpeg_have_their_libraries(pi: Any, site: dict[str, Any]) -> None:
    venv = f"{site['hems_path_home_assistant']}/current"
    assert pi.run("%s/bin/ffmpeg -version", venv).rc == 0
    loaded = "from turbojpeg import TurboJPEG; TurboJPEG()"
    assert pi.run("%s/bin/python -c %s", venv, loaded).rc == 0
