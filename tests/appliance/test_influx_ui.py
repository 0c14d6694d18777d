"""InfluxDB's UI below /influx/: pages are rewritten, data and InfluxDB's own log-in left alone."""

from __future__ import annotations

import pytest

from tests.appliance.fake_upstream import FILES, PATTERNS
from tests.appliance.twin import Twin, headers_of

pytest_plugins = ["tests.appliance.door_fixtures"]
pytestmark = pytest.mark.journal("nginx")

REWRITTEN = """
<base href="/influx/"> <div id="react-root" data-basepath="/influx"></div>
<script src="/influx/vendor.js"></script> <link href="/influx/style.css">
n.p="/influx/" fetch("/influx/api/v2/me") fetch(`/influx/api/v2/buckets`)
`${base}influx/api/v2/query` `${base}/influx/health` @font-face{src:url(/influx/font.woff)}
"""


def test_the_fake_upstream_compresses(twin: Twin) -> None:
    # Else the next tests would show nothing: nginx can't rewrite what is compressed.
    answer = twin.ask("GET", "/vendor.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.text == PATTERNS


@pytest.mark.parametrize("accepted", ["gzip, deflate, br", "identity"])
@pytest.mark.parametrize("path", ["/", "/vendor.js", "/old.js", "/style.css"])
def test_pages_scripts_and_styles_are_rewritten(
    twin: Twin, owner: tuple[str, str], path: str, accepted: str
) -> None:
    headers = {"Accept-Encoding": accepted}
    answer = twin.ask("GET", f"/influx{path}", auth=owner, headers=headers)
    assert answer.status_code == 200
    assert answer.text == REWRITTEN
    assert (answer.headers.get("Content-Encoding") == "gzip") is ("gzip" in accepted)


@pytest.mark.parametrize("accepted", ["gzip, deflate, br", "identity"])
@pytest.mark.parametrize("path", ["/data.json", "/api/v2/data.json", "/api/v2/query"])
def test_data_is_equal_to_the_byte(
    twin: Twin, owner: tuple[str, str], path: str, accepted: str
) -> None:
    headers = {"Accept-Encoding": accepted}
    answer = twin.ask("GET", f"/influx{path}", auth=owner, headers=headers)
    assert answer.content == FILES[path][1].encode()


def test_the_session_cookie_gets_the_path_that_the_browser_uses(
    twin: Twin, owner: tuple[str, str]
) -> None:
    cookie = twin.ask("POST", "/influx/api/v2/signin", auth=owner).headers["Set-Cookie"]
    parts = {part.strip().lower() for part in cookie.split(";")}
    assert parts == {
        *("influxdb-oss-session=abc", "path=/influx/api/"),
        *("httponly", "samesite=strict", "secure"),
    }


def test_the_doors_password_is_not_passed_on(twin: Twin, owner: tuple[str, str]) -> None:
    for path, below in (("/influx/x", "/x"), ("/influx/api/v2/x?y=/api/", "/api/v2/x?y=/api/")):
        heard = twin.heard("GET", path, auth=owner, cookies={"influxdb-oss-session": "abc"})
        assert (heard["upstream"], heard["path"]) == ("influxdb", below)
        headers = headers_of(heard)
        assert "authorization" not in headers
        assert headers["cookie"] == "influxdb-oss-session=abc"


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token"])
def test_a_token_passes_to_influxdbs_own_check(twin: Twin, scheme: str) -> None:
    authorization = {"Authorization": f"{scheme} abc=="}
    heard = twin.heard("POST", "/influx/api/v2/write", headers=authorization, data=b"m v=1")
    assert headers_of(heard)["authorization"] == f"{scheme} abc=="
    assert heard["received"] == 5


@pytest.mark.parametrize(
    "authorization", [None, "Token", "Token ", "Digest x", "Basic", "Basic bm9ib2R5Ong=", "x"]
)
@pytest.mark.parametrize("path", ["/influx/api/v2/me", "/influx/", "/configurator/"])
def test_anything_else_is_refused(twin: Twin, path: str, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = twin.ask("GET", path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_token_opens_the_interface_only(twin: Twin) -> None:
    for path in ("/influx/", "/influx/query?db=x", "/configurator/", "/influx/api/../query"):
        answer = twin.ask("GET", path, headers={"Authorization": "Token abc"})
        assert answer.status_code == 401, path


def test_a_page_of_many_files_loads_and_guessing_is_slowed_down(
    twin: Twin, owner: tuple[str, str]
) -> None:
    # The last test of this file: it uses up what this address may ask for.
    token = {"Authorization": "Token abc"}
    page = [twin.ask("GET", "/influx/vendor.js", auth=owner).status_code for _ in range(120)]
    assert set(page) == {200}
    guesses = [twin.ask("GET", "/influx/", auth=("owner", "x")).status_code for _ in range(400)]
    assert set(guesses) == {401, 429}
    writes = [twin.ask("POST", "/influx/api/v2/write", headers=token).status_code for _ in range(5)]
    assert set(writes) == {200}
