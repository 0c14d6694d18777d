"""The door's log-in asked over HTTP, as nginx and a browser behind it do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hems import HemsError, settings
from hems.door import core, pages
from hems.door.daemon import COOKIE, FORM_COOKIE, Door, build
from hems.process import Surroundings

from tests.unit.appliance_settings import GOOD
from tests.unit.service_entries import TEMPLATES, rendered

PASSWORD = "correct horse"


class Browser:
    """A browser behind nginx: keeps the door's cookies, and says where it is."""

    def __init__(self, client: TestClient[Any, Any], address: str = "192.0.2.1") -> None:
        self.client, self.address, self.jar = client, address, dict[str, str]()
        self.page = ""
        self.headers: Any = {}

    async def ask(self, method: str, path: str, form: Any = None, **headers: str) -> int:
        """Send a request and return the status."""
        sent = {"Host": "box.local", "X-Real-IP": self.address, **headers}
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        async with self.client.request(
            method, path, data=form, headers=sent, allow_redirects=False
        ) as answer:
            self.page, self.headers = await answer.text(), answer.headers
            for line in answer.headers.getall("Set-Cookie", []):
                for name, morsel in SimpleCookie(line).items():
                    assert morsel["path"] == "/" and morsel["secure"] and morsel["httponly"]
                    assert morsel["samesite"] in ("Lax", "Strict") and not morsel["domain"]
                    self.jar[name] = morsel.value
            return answer.status

    async def log_in(self, password: str = PASSWORD, wanted: str = "/influx/", **how: str) -> int:
        """Open the page, fill it in and send it."""
        await self.ask("GET", f"{core.LOGIN}?next={wanted}")
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.page))
        assert hidden["next"] == wanted
        form = {**hidden, "user": "owner", "password": password}
        return await self.ask("POST", core.LOGIN, form, **how)

    async def is_in(self) -> bool:
        """Whether nginx would let a request through."""
        status = await self.ask("GET", "/check")
        assert status in (204, 401)
        return status == 204


Scene = Callable[[Browser, Door], Awaitable[None]]


@pytest.fixture
def door(tmp_path: Path) -> Callable[[], Door]:
    """Makes the log-in anew, as a restart does."""
    (tmp_path / "door_password").write_text(f"{PASSWORD}\n")
    (tmp_path / "door_key").write_text("made on the Pi")
    around = Surroundings(
        {"CREDENTIALS_DIRECTORY": str(tmp_path), "STATE_DIRECTORY": str(tmp_path)}
    )
    appliance = settings.parse(GOOD, settings.Appliance, "hems.toml")
    entries = tmp_path / "services.d"
    entries.mkdir()
    for template in TEMPLATES:
        (entries / template.name.removesuffix(".j2")).write_text(rendered(template))
    return lambda: build(appliance, around, entries)


def play(door: Door, scene: Scene) -> None:
    """Serve the door while a scene runs."""

    async def run() -> None:
        async with TestClient(TestServer(door.application())) as client:
            await scene(Browser(client), door)

    asyncio.run(run())


def test_who_knows_the_password_comes_in_and_goes_where_they_wanted(
    door: Callable[[], Door],
) -> None:
    async def scene(browser: Browser, _: Door) -> None:
        assert not await browser.is_in()
        assert await browser.log_in(wanted="/influx/orgs?a=b") == 303
        assert browser.headers["Location"] == "/influx/orgs?a=b"
        assert await browser.is_in()
        # Who is in already is not asked again.
        assert await browser.ask("GET", f"{core.LOGIN}?next=/influx/x?y=1&z=2") == 303
        assert browser.headers["Location"] == "/influx/x?y=1&z=2"
        assert await browser.ask("GET", core.HOME) == 200
        assert "Log out" in browser.page and 'href="/configurator/"' in browser.page

    play(door(), scene)


def test_home_assistants_service_worker_is_told_what_is_none_of_its_business(
    door: Callable[[], Door],
) -> None:
    async def scene(browser: Browser, _: Door) -> None:
        assert await browser.ask("GET", core.APART) == 200
        assert browser.headers["Content-Type"].startswith("text/javascript")
        assert '["/door/", "/influx/", "/configurator/"].some(' in browser.page

    play(door(), scene)


@pytest.mark.parametrize("password", ["", "wrong", f"{PASSWORD} ", "é"])
def test_a_wrong_password_is_told(door: Callable[[], Door], password: str) -> None:
    async def scene(browser: Browser, _: Door) -> None:
        assert await browser.log_in(password) == 403
        assert 'role="alert"' in browser.page and "not right" in browser.page
        assert COOKIE not in browser.jar
        assert password == "" or f'"{password}"' not in browser.page

    play(door(), scene)


def test_too_many_wrong_ones_have_to_wait_also_with_the_right_one(
    door: Callable[[], Door],
) -> None:
    async def scene(browser: Browser, _: Door) -> None:
        for _try in range(core.FREE_TRIES - 1):
            assert await browser.log_in("wrong") == 403
        assert await browser.log_in("wrong") == 429
        assert await browser.log_in() == 429
        assert "Please wait 5 seconds" in browser.page
        assert browser.headers["Retry-After"] == "5"
        neighbour = Browser(browser.client, "192.0.2.2")
        assert await neighbour.log_in() == 303

    play(door(), scene)


def test_after_the_log_out_a_copy_of_the_cookie_is_worth_nothing(
    door: Callable[[], Door],
) -> None:
    copy: dict[str, str] = {}

    async def scene(browser: Browser, _: Door) -> None:
        await browser.log_in()
        copy.update(browser.jar)
        assert await browser.ask("POST", core.LOGOUT) == 200
        assert browser.jar[COOKIE] == "" and "logged out" in browser.page
        browser.jar = dict(copy)
        assert not await browser.is_in()

    async def after_a_restart(browser: Browser, _: Door) -> None:
        browser.jar = dict(copy)
        assert not await browser.is_in()
        assert await browser.log_in() == 303

    play(door(), scene)
    play(door(), after_a_restart)


def test_a_broken_file_of_ended_sessions_locks_nobody_out(
    door: Callable[[], Door], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for broken in ("", "[]", '{"a": null}', "\x00\x00"):
        (tmp_path / "ended.json").write_text(broken)

        async def scene(browser: Browser, _: Door) -> None:
            assert await browser.log_in() == 303
            assert await browser.ask("POST", core.LOGOUT) == 200

        play(door(), scene)
        assert "can't be read" in capsys.readouterr().err


def test_a_form_without_its_cookie_or_of_another_site_is_refused(
    door: Callable[[], Door],
) -> None:
    async def scene(browser: Browser, _: Door) -> None:
        assert await browser.log_in(Origin="https://evil.example") == 403
        assert await browser.log_in(**{"Sec-Fetch-Site": "cross-site"}) == 403
        await browser.ask("GET", core.LOGIN)
        browser.jar.pop(FORM_COOKIE)
        form = {"form": "", "user": "owner", "password": PASSWORD}
        assert await browser.ask("POST", core.LOGIN, form) == 403
        assert pages.STALE.split(",")[0] in browser.page
        assert COOKIE not in browser.jar
        await browser.log_in()
        assert await browser.ask("POST", core.LOGOUT, Origin="https://evil.example") == 403
        assert await browser.is_in()

    play(door(), scene)


def test_two_open_forms_both_work(door: Callable[[], Door]) -> None:
    async def scene(browser: Browser, _: Door) -> None:
        await browser.ask("GET", core.LOGIN)
        first = dict(browser.jar)
        await browser.ask("GET", core.LOGIN)
        assert browser.jar == first

    play(door(), scene)


def test_only_a_small_form_is_taken(door: Callable[[], Door]) -> None:
    async def scene(browser: Browser, _: Door) -> None:
        await browser.ask("GET", core.LOGIN)
        assert await browser.ask("POST", core.LOGIN, b"{}") == 415
        kind = {"Content-Type": "application/x-www-form-urlencoded; charset=none"}
        assert await browser.ask("POST", core.LOGIN, b"a=b", **kind) == 400
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert await browser.ask("POST", core.LOGIN, b"a=\xff", **kind) in (400, 403)
        assert await browser.ask("POST", core.LOGIN, {"user": "x" * 99999}) == 413
        assert await browser.ask("POST", core.LOGIN, b"", **kind) == 403

    play(door(), scene)


def test_nothing_that_was_sent_gets_into_the_page_as_it_is(door: Callable[[], Door]) -> None:
    async def scene(browser: Browser, _: Door) -> None:
        wanted = '/influx/"><script>alert(1)</script>'
        await browser.ask("GET", core.LOGIN)
        form = {"next": wanted, "form": "x", "user": wanted, "password": wanted}
        await browser.ask("POST", core.LOGIN, form)
        assert "<script" not in browser.page
        policy = browser.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert browser.headers["Cache-Control"] == "no-store"

    play(door(), scene)


def test_the_page_works_without_scripts_and_on_a_small_phone(door: Callable[[], Door]) -> None:
    async def scene(browser: Browser, _: Door) -> None:
        assert await browser.ask("GET", core.LOGIN) == 200
        page = browser.page
        assert "<script" not in page and "http://" not in page and "https://" not in page
        assert "width=device-width" in page and '<html lang="en">' in page
        for name in ("user", "password"):
            assert f'<label for="{name}">' in page and f'id="{name}"' in page
        assert 'autocomplete="current-password"' in page and 'autocomplete="username"' in page

    play(door(), scene)


@pytest.mark.parametrize("missing", ["door_password", "door_key"])
def test_a_missing_or_empty_credential_is_named(
    door: Callable[[], Door], tmp_path: Path, missing: str
) -> None:
    (tmp_path / missing).write_text("\n")
    with pytest.raises(HemsError, match=rf"{missing} is empty: run the whole playbook\.$"):
        door()
    (tmp_path / missing).unlink()
    with pytest.raises(HemsError, match=f"{missing} can't be read"):
        door()
