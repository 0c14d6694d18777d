"""InfluxDB's UI below /influx/: pages are rewritten, data and InfluxDB's own log-in left alone."""

from __future__ import annotations

import pytest

from tests.appliance.door_client import COOKIE
from tests.appliance.fake_upstream import EXCERPTS, FILES, LOGIN, PATTERNS
from tests.appliance.second_door import SecondDoor, headers_of

pytest_plugins = ["tests.appliance.door_fixtures"]
pytestmark = pytest.mark.journal("nginx")

SIGN_IN = "/influx/api/v2/signin"
REWRITTEN = "\n".join(EXCERPTS.values())


def test_the_fake_upstream_compresses(second_door: SecondDoor) -> None:
    # Else the next tests would show nothing: nginx can't rewrite what is compressed.
    answer = second_door.ask("GET", "/vendor.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.text == PATTERNS


@pytest.mark.parametrize("accepted", ["gzip, deflate, br", "identity"])
@pytest.mark.parametrize("path", ["/", "/vendor.js", "/old.js", "/style.css"])
def test_pages_scripts_and_styles_are_rewritten(
    second_door: SecondDoor, owner: dict[str, str], path: str, accepted: str
) -> None:
    headers = {"Accept-Encoding": accepted}
    answer = second_door.ask("GET", f"/influx{path}", cookies=owner, headers=headers)
    assert answer.status_code == 200
    assert answer.text.splitlines() == REWRITTEN.splitlines()
    assert (answer.headers.get("Content-Encoding") == "gzip") is ("gzip" in accepted)


@pytest.mark.parametrize("accepted", ["gzip, deflate, br", "identity"])
@pytest.mark.parametrize("path", ["/data.json", "/api/v2/data.json", "/api/v2/query"])
def test_data_is_equal_to_the_byte(
    second_door: SecondDoor, owner: dict[str, str], path: str, accepted: str
) -> None:
    headers = {"Accept-Encoding": accepted}
    answer = second_door.ask("GET", f"/influx{path}", cookies=owner, headers=headers)
    assert answer.content == FILES[path][1].encode()


def test_influxdbs_own_log_in_works_behind_the_doors(
    second_door: SecondDoor, owner: dict[str, str], account: tuple[str, str]
) -> None:
    answer = second_door.ask("POST", SIGN_IN, auth=LOGIN, cookies=owner)
    assert answer.status_code == 200
    parts = {part.strip().lower() for part in answer.headers["Set-Cookie"].split(";")}
    assert parts == {
        *("influxdb-oss-session=abc", "path=/influx/api/"),
        *("httponly", "samesite=strict", "secure"),
    }
    # It is InfluxDB that says no to a wrong one, and to the door's.
    for login in (("hems", "wrong"), account):
        answer = second_door.ask("POST", SIGN_IN, auth=login, cookies=owner)
        assert (answer.status_code, answer.json()["upstream"]) == (401, "influxdb")


def test_influxdbs_own_log_in_is_behind_the_doors(
    second_door: SecondDoor, account: tuple[str, str]
) -> None:
    for login in (LOGIN, account):
        answer = second_door.ask("POST", SIGN_IN, auth=login)
        assert answer.status_code == 401
        assert "upstream" not in answer.json()


def test_a_user_name_and_password_are_passed_on_nowhere_else(
    second_door: SecondDoor, owner: dict[str, str]
) -> None:
    for path in ("/influx/x", "/influx/api/v2/me", "/influx/api/v2/signin/x", "/configurator/x"):
        assert "authorization" not in headers_of(
            second_door.heard("GET", path, auth=LOGIN, cookies=owner)
        )


@pytest.mark.parametrize(
    ("path", "upstream", "below"),
    [
        ("/influx/x", "influxdb", "/x"),
        ("/influx/api/v2/x?y=/api/", "influxdb", "/api/v2/x?y=/api/"),
        ("/configurator/x", "configurator", "/x"),
        ("/api/x", "home_assistant", "/api/x"),
    ],
)
def test_the_doors_cookies_are_not_passed_on(
    second_door: SecondDoor, owner: dict[str, str], path: str, upstream: str, below: str
) -> None:
    door = f"{COOKIE}={owner[COOKIE]}"
    form = "__Host-hems-form=x.1.y"
    for sent, expected in (
        (f"{door}; influxdb-oss-session=abc", "influxdb-oss-session=abc"),
        (f"influxdb-oss-session=abc; {door}", "influxdb-oss-session=abc"),
        (f"a=b; {door}; c=d", "a=b; c=d"),
        (f"{form}; {door}; a=b", "a=b"),
        (f"a=b; {door}; {form}; c=d", "a=b; c=d"),
        (door, None),
        (f"{door}; {form}", None),
        (f"{door}; a=b; {door}", None),  # no browser sends it twice
    ):
        heard = second_door.heard("GET", path, headers={"Cookie": sent})
        assert (heard["upstream"], heard["path"]) == (upstream, below)
        assert headers_of(heard).get("cookie") == expected, sent


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token"])
def test_a_token_passes_to_influxdbs_own_check(second_door: SecondDoor, scheme: str) -> None:
    authorization = {"Authorization": f"{scheme} abc=="}
    heard = second_door.heard("POST", "/influx/api/v2/write", headers=authorization, data=b"m v=1")
    assert headers_of(heard)["authorization"] == f"{scheme} abc=="
    assert heard["received"] == 5


@pytest.mark.parametrize(
    "authorization", [None, "Token", "Token ", "Digest x", "Basic", "Basic bm9ib2R5Ong=", "x"]
)
@pytest.mark.parametrize("path", ["/influx/api/v2/me", "/influx/", "/configurator/"])
def test_anything_else_is_refused(
    second_door: SecondDoor, path: str, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = second_door.ask("GET", path, headers=headers)
    assert answer.status_code == 401
    assert "WWW-Authenticate" not in answer.headers


def test_a_token_opens_the_interface_only(second_door: SecondDoor) -> None:
    for path in ("/influx/", "/influx/query?db=x", "/configurator/", "/influx/api/../query"):
        answer = second_door.ask("GET", path, headers={"Authorization": "Token abc"})
        assert answer.status_code == 401, path
