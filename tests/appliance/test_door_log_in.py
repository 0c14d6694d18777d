"""The door's log-in: who comes in, who is sent where, and what happens when it is down."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.appliance.conftest import Door
from tests.appliance.door_client import COOKIE, log_in
from tests.appliance.second_door import SecondDoor

pytest_plugins = ["tests.appliance.door_fixtures"]
pytestmark = pytest.mark.journal("hems-door", "nginx")


@pytest.mark.parametrize("path", ["/influx/", "/configurator/", "/influx/orgs/0a?b=c&d=%20"])
def test_a_browser_without_the_cookie_is_sent_to_the_log_in(door: Door, path: str) -> None:
    for said in ({"Sec-Fetch-Mode": "navigate"}, {"Accept": "text/html,*/*;q=0.8"}):
        answer = door.session().get(
            door.url + path, headers=said, timeout=10, allow_redirects=False
        )
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"/door/login?next={path}"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/influx/", "/influx/api/v2/buckets", "/configurator/", "/configurator/api/listdir"]
)
def test_a_script_without_the_cookie_gets_401_and_no_box_of_the_browsers(
    door: Door, account: tuple[str, str], path: str
) -> None:
    forged = {COOKIE: "abc.1800000000.0Jx"}
    for how in ({}, {"auth": account}, {"auth": ("", "")}, {"cookies": forged}):
        for said in ({}, {"Sec-Fetch-Mode": "cors", "Accept": "text/html"}):
            answer = door.session().get(
                door.url + path, timeout=10, allow_redirects=False, headers=said, **how
            )
            assert answer.status_code == 401, (how, said)
            assert "WWW-Authenticate" not in answer.headers
            assert "log in" in answer.json()["message"]


@pytest.mark.parametrize("path", ["/influx/", "/configurator/"])
def test_the_owner_comes_in(door: Door, owner: dict[str, str], path: str) -> None:
    answer = door.session().get(door.url + path, cookies=owner, timeout=20)
    assert answer.status_code == 200
    assert "html" in answer.headers["Content-Type"]
    without_slash = door.session().get(
        door.url + path.rstrip("/"), cookies=owner, timeout=20, allow_redirects=False
    )
    assert (without_slash.status_code, without_slash.headers["Location"]) == (308, path)


def test_the_log_in_and_the_log_out(door: Door, account: tuple[str, str]) -> None:
    session = door.session()
    answer = log_in(door.url, session, account[0], "wrong")
    assert (answer.status_code, "not right" in answer.text) == (403, True)
    answer = log_in(door.url, session, *account)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/influx/")
    cookie = answer.headers["Set-Cookie"]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert parts == {"path=/", "max-age=604800", "secure", "httponly", "samesite=lax"}
    copy = {COOKIE: answer.cookies[COOKIE]}
    assert session.get(f"{door.url}/influx/", timeout=20).status_code == 200
    assert "Log out" in session.get(f"{door.url}/door/", timeout=20).text
    assert session.post(f"{door.url}/door/logout", timeout=20).status_code == 200
    # Whoever copied the cookie before is out as well.
    answer = door.session().get(f"{door.url}/influx/", cookies=copy, timeout=20)
    assert answer.status_code == 401


def test_the_log_in_that_is_down_is_named_and_keeps_the_door_shut(
    pi: Any, door: Door, owner: dict[str, str]
) -> None:
    pi.check_output("systemctl stop hems-door.service")
    try:
        for path in ("/influx/", "/influx/api/v2/me", "/configurator/", "/door/login"):
            answer = door.session().get(door.url + path, cookies=owner, timeout=20)
            assert answer.status_code in (502, 503), path
            assert "The door's log-in is starting" in answer.text
            assert answer.headers["Retry-After"] == "5"
        assert door.session().get(f"{door.url}/manifest.json", timeout=20).ok
    finally:
        pi.check_output("systemctl start hems-door.service")
    assert door.session().get(f"{door.url}/influx/", cookies=owner, timeout=20).ok


def test_the_check_can_not_be_asked_from_outside(door: Door) -> None:
    for path in ("/door/check", "/door/check-or-token", "/check"):
        assert door.session().get(door.url + path, timeout=10).status_code == 404


def test_the_log_ins_sandbox(pi: Any) -> None:
    judged = pi.check_output("systemd-analyze security --no-pager hems-door.service | tail -1")
    assert float(re.search(r": ([\d.]+) ", judged)[1]) <= 2.0, judged  # type: ignore[index]
    pid = pi.check_output("systemctl show -P MainPID hems-door.service")
    assert pi.check_output(f"stat -c %U /proc/{pid}") == "hems-door"


def test_a_guess_is_noted_with_its_address_and_without_what_was_typed(
    pi: Any, second_door: SecondDoor, door: Door
) -> None:
    typed = "typed-into-the-wrong-field"
    assert log_in(second_door.url, second_door.session, typed, typed).status_code == 403
    journal = pi.check_output("journalctl -u hems-door --since=-1min --no-pager -o cat")
    assert "wrong log-in from 127.0.0.1" in journal
    assert typed not in pi.check_output("journalctl --since=-1min --no-pager -o cat")
    assert door.session().get(f"{door.url}/door/login", timeout=10).ok


def test_the_doors_secrets_are_for_root_and_its_log_in_alone(pi: Any, site: dict[str, Any]) -> None:
    assert not pi.file("/etc/nginx/hems.htpasswd").exists
    for name in ("door_password", "door_key"):
        file = pi.file(f"{site['hems_path_secrets']}/{name}")
        assert (file.user, file.mode) == ("root", 0o600)
