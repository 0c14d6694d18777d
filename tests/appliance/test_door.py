"""The one door: redirects, passwords, what is passed on, what is said of a part that is down."""

from __future__ import annotations

import json
import socket
import ssl
import time
from typing import Any

import pytest
import requests
import websocket

from tests.appliance.conftest import Door
from tests.appliance.second_door import SecondDoor, headers_of

pytest_plugins = ["tests.appliance.door_fixtures"]
pytestmark = pytest.mark.journal("nginx", "hems-door")


def test_plain_http_is_sent_to_https_with_path_and_query(door: Door) -> None:
    plain = f"http://{door.address}"
    answer = door.session().get(f"{plain}/a/b?c=d%20e", allow_redirects=False, timeout=10)
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"{door.url}/a/b?c=d%20e"


def test_the_ca_can_be_downloaded_before_it_is_trusted(door: Door) -> None:
    for url in (f"http://{door.address}", door.url):
        answer = door.session().get(f"{url}/hems-ca.crt", timeout=10)
        assert answer.headers["Content-Type"] == "application/x-x509-ca-cert"
        assert answer.text == door.ca.read_text()


def test_a_websocket_reaches_home_assistant(door: Door) -> None:
    client = websocket.create_connection(
        f"wss://{door.address}/api/websocket", timeout=20, sslopt={"ca_certs": str(door.ca)}
    )
    try:
        assert json.loads(client.recv())["type"] == "auth_required"
    finally:
        client.close()


def test_home_assistant_answers_through_the_door(door: Door) -> None:
    answer = door.session().get(f"{door.url}/manifest.json", timeout=20)
    assert answer.status_code == 200
    assert "Home Assistant" in answer.json()["name"]
    # Home Assistant refuses a request with two X-Forwarded-For; a forged one must not count.
    forged = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Host": "evil", "X-Forwarded-Proto": "http"}
    assert door.session().get(f"{door.url}/manifest.json", headers=forged, timeout=20).ok


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(door: Door, site: dict[str, Any]) -> None:
    context = ssl.create_default_context(cafile=str(door.ca))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        socket.create_connection((door.address, site["hems_port_https"]), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=door.address),
    ):
        pass


def test_upstreams_are_told_who_the_client_really_is(
    second_door: SecondDoor, owner: dict[str, str]
) -> None:
    forged = {"X-Forwarded-For": "8.8.8.8", "X-Real-IP": "8.8.8.8", "Forwarded": "for=8.8.8.8"}
    for path in ("/api/x", "/influx/x", "/influx/api/x", "/configurator/x"):
        headers = headers_of(second_door.heard("GET", path, cookies=owner, headers=forged))
        assert headers["x-forwarded-for"] == "127.0.0.1", path
        assert headers["x-forwarded-proto"] == "https"
        assert headers["host"] == f"localhost:{second_door.https}"
    headers = headers_of(second_door.heard("GET", "/api/x", headers=forged))
    assert "8.8.8.8" not in headers.values() and "forwarded" not in headers


def test_each_part_has_its_path(second_door: SecondDoor, owner: dict[str, str]) -> None:
    expected = {
        "/a/b?c=d": ("home_assistant", "/a/b?c=d"),
        "/influx/a/b?c=d": ("influxdb", "/a/b?c=d"),
        "/influx/api/a?b": ("influxdb", "/api/a?b"),
        "/configurator/api/a?b": ("configurator", "/api/a?b"),
        "/influxx": ("home_assistant", "/influxx"),
    }
    for path, upstream in expected.items():
        heard = second_door.heard("GET", path, cookies=owner)
        assert (heard["upstream"], heard["path"]) == upstream


def test_home_assistant_gets_its_own_authorization_and_the_others_do_not(
    second_door: SecondDoor, owner: dict[str, str]
) -> None:
    bearer = {"Authorization": "Bearer ha-token"}
    heard = headers_of(second_door.heard("GET", "/api/", headers=bearer))
    assert heard["authorization"] == "Bearer ha-token"
    assert "authorization" not in headers_of(
        second_door.heard("GET", "/configurator/x", cookies=owner)
    )


def test_a_websocket_is_asked_for_only_when_the_client_does(second_door: SecondDoor) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    headers = headers_of(second_door.heard("GET", "/api/x", headers=upgrade))
    assert (headers["connection"], headers["upgrade"]) == ("upgrade", "websocket")
    assert "upgrade" not in headers_of(second_door.heard("GET", "/api/x"))


def test_a_backup_can_be_uploaded(second_door: SecondDoor) -> None:
    size = 40 << 20
    assert second_door.heard("POST", "/api/backup/upload", data=b"x" * size)["received"] == size
    # More than the limit is refused by what the client says of it, before it sends a byte.
    request = requests.Request("POST", f"{second_door.url}/api/backup/upload").prepare()
    request.headers["Content-Length"] = str((1 << 30) + 1)
    assert second_door.session.send(request, timeout=20).status_code == 413


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/lovelace/0", "Home Assistant"),
        ("/influx/", "InfluxDB"),
        ("/influx/api/v2/me", "InfluxDB"),
        ("/configurator/", "The file editor"),
    ],
)
def test_a_part_that_is_down_is_named(
    second_door: SecondDoor, owner: dict[str, str], path: str, part: str
) -> None:
    with second_door.without_upstreams():
        answer = second_door.ask("GET", path, cookies=owner)
    assert answer.status_code == 502
    assert f"<h1>{part} is starting</h1>" in answer.text
    assert answer.text.count('http-equiv="refresh"') == 1
    # It needs nothing else to be shown, and nobody keeps it.
    assert "http://" not in answer.text and "https://" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Retry-After"] == "5"


def test_the_page_can_not_be_asked_for(second_door: SecondDoor) -> None:
    assert second_door.ask("GET", "/hems-starting.html").status_code == 404


def test_the_d2l_port_passes_bytes_both_ways(second_door: SecondDoor) -> None:
    with socket.create_connection(("127.0.0.1", second_door.d2l), timeout=10) as dongle:
        dongle.sendall(b"\x03\x00frame")
        with dongle.makefile("rb") as heard:
            # The daemon is told first whose connection it is (PROXY protocol).
            assert heard.readline().startswith(b"PROXY TCP4 127.0.0.1 ")
            assert heard.read(7) == b"\x03\x00frame"


def test_secrets_stay_out_of_the_journal(pi: Any, second_door: SecondDoor) -> None:
    secrets = ["query-secret", "webhook-secret", "header-secret"]
    headers = {"Authorization": "Basic header-secret"}
    second_door.ask("GET", "/influx/query?p=query-secret", headers=headers)
    with second_door.without_upstreams():
        second_door.ask(
            "GET", "/influx/api/v2/query?p=query-secret", headers={"Authorization": "Token x"}
        )
        second_door.ask("POST", "/api/webhook/webhook-secret?p=query-secret")
    time.sleep(1)
    journal = pi.check_output("journalctl --since=-5min --no-pager -o cat")
    assert [one for one in secrets if one in journal] == []


def test_nginx_comes_back_by_itself(pi: Any, door: Door) -> None:
    pi.check_output("systemctl kill --kill-whom=main --signal=KILL nginx.service")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if door.session().get(f"{door.url}/hems-ca.crt", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.5)
    pytest.fail("nginx did not come back")


@pytest.mark.parametrize("name", ["sw-modern.js", "sw-legacy.js"])
def test_home_assistants_service_worker_is_told_what_is_not_its_business(
    door: Door, name: str
) -> None:
    guard = door.session().get(f"{door.url}/{name}", timeout=20)
    assert "javascript" in guard.headers["Content-Type"]
    before, _, after = guard.text.strip().partition(";")
    assert before == "importScripts('/door/apart.js')"
    assert after == f"importScripts('/{name}?home-assistant');"
    apart = door.session().get(f"{door.url}/door/apart.js", timeout=20)
    assert "javascript" in apart.headers["Content-Type"]
    assert all(path in apart.text for path in ("/door/", "/influx/", "/configurator/"))
    worker = door.session().get(f"{door.url}/{name}?home-assistant", timeout=20)
    assert worker.status_code == 200 and "workbox" in worker.text
