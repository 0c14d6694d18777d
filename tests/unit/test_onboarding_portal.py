"""The captive portal asked over HTTP, as nginx and a guest's phone do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from html import unescape
from string import Template
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hems.onboarding import portal, words
from hems.onboarding.core import Lock, Network, Trouble
from hems.onboarding.pages import About
from hems.onboarding.portal import Attempt, Choice, Portal
from hypothesis import given, settings
from hypothesis import strategies as st

ABOUT = About("Cork <1>", "HEMS-Cork <1>", "https://hems-cork-01.local/")
NETWORKS = [
    Network('H"me <b>🏠'.encode(), 82, Lock.WPA2),
    Network(b"Free", 40, Lock.OPEN),
    Network(b"Work", 30, Lock.ENTERPRISE),
    Network(b"\xff\x1b", 10, Lock.TRANSITION),
]
HOME = NETWORKS[0]


class Phone:
    """A phone in the hotspot: it keeps no cookie."""

    def __init__(
        self, client: TestClient[Any, Any], chosen: list[Choice], scans: list[int]
    ) -> None:
        self.client, self.chosen, self.scans = client, chosen, scans
        self.page = ""
        self.headers: dict[str, str] = {}

    async def ask(self, method: str, path: str, form: Any = None, **headers: str) -> int:
        """Send a request and return the status."""
        sent = {"Host": "10.42.0.1", **headers}
        async with self.client.request(
            method, path, data=form, headers=sent, allow_redirects=False
        ) as answer:
            self.page, self.headers = await answer.text(errors="replace"), dict(answer.headers)
            assert "Set-Cookie" not in answer.headers
            return answer.status

    async def token(self) -> str:
        """Open the page and return its form's token."""
        await self.ask("GET", "/")
        [first, *_] = re.findall(r'name="form" value="([^"]+)"', self.page)
        return str(first)

    async def join(self, **fields: str) -> int:
        """Fill in the form and send it."""
        form = {"form": await self.token(), "lang": "en", "key": "right horse", **fields}
        status = await self.ask("POST", "/join", form)
        await asyncio.sleep(0.02)
        return status


Scene = Callable[[Phone, Portal], Coroutine[Any, Any, None]]


def play(scene: Scene) -> None:
    """Play a scene with a phone and a portal."""

    async def go() -> None:
        chosen: list[Choice] = []
        scans: list[int] = []

        async def scan() -> None:
            scans.append(1)

        one = Portal(ABOUT, "10.42.0.1", chosen=chosen.append, scan=scan)
        one.networks = NETWORKS
        async with TestClient(TestServer(one.application())) as client:
            await scene(Phone(client, chosen, scans), one)

    asyncio.run(go())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal, "LEAD_SECONDS", 0.001)


CHECKS = [
    ("captive.apple.com", "/hotspot-detect.html"),
    ("connectivitycheck.gstatic.com", "/generate_204"),
    ("clients3.google.com", "/gen_204"),
    ("www.msftconnecttest.com", "/connecttest.txt"),
    ("www.msftncsi.com", "/ncsi.txt"),
    ("detectportal.firefox.com", "/canonical.html"),
    ("detectportal.firefox.com", "/success.txt?ipv4"),
    ("nmcheck.gnome.org", "/check_network_status.txt"),
    ("example.org", "/"),
    ("10.42.0.1", "/anything"),
]


@pytest.mark.parametrize(("host", "path"), CHECKS)
def test_a_phones_own_check_leads_to_the_portal(host: str, path: str) -> None:
    async def scene(phone: Phone, _: Portal) -> None:
        assert await phone.ask("GET", path, Host=host) == 302
        assert phone.headers["Location"] == "http://10.42.0.1/"
        assert phone.headers["Cache-Control"] == "no-store"
        assert "Success" not in phone.page

    play(scene)


def test_the_page_shows_the_networks_and_needs_nothing_else() -> None:
    async def scene(phone: Phone, _: Portal) -> None:
        assert await phone.ask("GET", "/") == 200
        page = phone.page
        assert "H&quot;me &lt;b&gt;🏠" in page and "Cork &lt;1&gt;" in page
        assert "<b>" not in page and "Cork <1>" not in page
        assert "secured · signal 82 %" in page and "open · signal 40 %" in page
        assert re.search(r'value="576f726b" disabled required>\s*<span>Work', page)
        assert "needs a user name: not possible" in page
        assert not re.search(r"<script|\bon\w+=|https?://|src=|@import|url\(", page)
        policy = phone.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script" not in policy

    play(scene)


def test_a_choice_is_answered_and_then_told() -> None:
    async def scene(phone: Phone, _: Portal) -> None:
        assert await phone.join(network=HOME.ssid.hex()) == 200
        assert "https://hems-cork-01.local/" in phone.page
        assert "HEMS-Cork &lt;1&gt;" in phone.page and "right horse" not in phone.page
        [choice] = phone.chosen
        assert choice == Choice(HOME.ssid, "right horse", Lock.WPA2, hidden=False)
        assert "right horse" not in repr(choice)

    play(scene)


def test_a_network_that_hides_its_name() -> None:
    async def scene(phone: Phone, _: Portal) -> None:
        assert await phone.join(network="other", name="Hidden 🏠") == 200
        assert await phone.join(network="other", name="Free", key="") == 200
        assert await phone.join(network=b"\xff\x1b".hex()) == 200
        assert phone.chosen == [
            Choice("Hidden 🏠".encode(), "right horse", None, hidden=True),
            Choice(b"Free", "", Lock.OPEN, hidden=False),
            Choice(b"\xff\x1b", "right horse", Lock.TRANSITION, hidden=False),
        ]

    play(scene)


@pytest.mark.parametrize(
    ("fields", "words_"),
    [
        ({"network": HOME.ssid.hex(), "key": "short"}, "8 to 63 letters"),
        ({"network": HOME.ssid.hex(), "key": ""}, "8 to 63 letters"),
        ({"network": b"Free".hex()}, "leave the passphrase empty"),
        ({"network": b"Work".hex()}, "asks for a user name"),
        ({"network": "other", "name": ""}, "1 to 32 bytes"),
        ({"network": "other", "name": "🏠" * 9}, "1 to 32 bytes"),
        ({"network": b"Gone".hex()}, "Choose a network first"),
        ({"network": ""}, "Choose a network first"),
    ],
)
def test_what_can_not_work_is_said_on_the_page(fields: dict[str, str], words_: str) -> None:
    async def scene(phone: Phone, _: Portal) -> None:
        assert await phone.join(**fields) == 400
        assert words_ in phone.page and 'role="alert"' in phone.page
        assert fields.get("key", "right horse") not in phone.page or not fields.get("key", "x")
        assert phone.chosen == []

    play(scene)


def test_what_went_wrong_last_time_is_said_in_words_and_its_network_is_ticked() -> None:
    async def scene(phone: Phone, one: Portal) -> None:
        one.last = Attempt(HOME.ssid, Trouble.PASSPHRASE, 7)
        await phone.ask("GET", "/")
        assert "“H&quot;me &lt;b&gt;🏠”: it did not work" in phone.page
        assert "The passphrase is wrong" in phone.page
        assert phone.page.count(" checked") == 1
        await phone.ask("GET", "/?lang=de")
        assert "Das Passwort ist falsch" in phone.page

    play(scene)


def test_a_form_of_another_site_or_of_long_ago_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(phone: Phone, _: Portal) -> None:
        now = portal.time.monotonic()
        token = await phone.token()
        form = {"network": HOME.ssid.hex(), "key": "right horse"}
        for wrong in ({}, {"form": ""}, {"form": "x.1.y"}, {"form": token[:-1] + "~"}):
            for path in ("/join", "/scan"):
                assert await phone.ask("POST", path, {**form, **wrong}) == 403
        monkeypatch.setattr(portal.time, "monotonic", lambda: now + portal.FORM_SECONDS + 5)
        assert await phone.ask("POST", "/join", {**form, "form": token}) == 403
        assert "open for too long" in phone.page
        assert phone.chosen == [] and phone.scans == []

    play(scene)


def test_networks_are_looked_for_again_but_not_all_the_time() -> None:
    async def scene(phone: Phone, _: Portal) -> None:
        form = {"form": await phone.token()}
        assert await phone.ask("POST", "/scan", form) == 200
        assert await phone.ask("POST", "/scan", form) == 429
        assert "just searched" in phone.page
        assert phone.scans == [1]

    play(scene)


def test_a_form_is_bounded_and_no_file_is_taken() -> None:
    async def scene(phone: Phone, _: Portal) -> None:
        form = {"form": await phone.token(), "network": "other", "name": "x" * 5000}
        assert await phone.ask("POST", "/join", form) == 413
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        assert await phone.ask("POST", "/join", b"--x--", **kind) == 415
        kind = {"Content-Type": "application/x-www-form-urlencoded; charset=none-such"}
        assert await phone.ask("POST", "/join", b"form=1", **kind) == 400
        assert phone.chosen == []

    play(scene)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.text(max_size=40), st.text(max_size=70), st.text(max_size=20))
def test_no_input_ends_in_a_traceback(raw: bytes, name: str, key: str, language: str) -> None:
    async def scene(phone: Phone, _: Portal) -> None:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert await phone.ask("POST", "/join", raw, **kind) in (400, 403)
        form = {"form": await phone.token(), "network": "other", "lang": language}
        fields = {"name": name, "key": key}
        encoded = {one: text.encode(errors="replace") for one, text in fields.items()}
        form |= {one: text.decode(errors="replace") for one, text in encoded.items()}
        assert await phone.ask("POST", "/join", form) in (200, 400)

    play(scene)


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    english = words.page("en")
    mine = words.page(language)
    assert mine.keys() == english.keys()
    for key, text in mine.items():
        assert Template(text).get_identifiers() == Template(english[key]).get_identifiers(), key
    sentences = [words.sentence(trouble, 4711, language) for trouble in Trouble]
    assert len(set(sentences)) == len(Trouble)
    assert all(one.endswith(".") for one in sentences)

    async def scene(phone: Phone, _: Portal) -> None:
        await phone.ask("GET", "/", **{"Accept-Language": f"{language}-XX,en;q=0.1"})
        assert f'<html lang="{language}">' in phone.page
        assert mine["networks"] in unescape(phone.page)
        assert phone.page.count("aria-current") == 1

    play(scene)


@pytest.mark.parametrize(
    ("asked", "header", "language"),
    [
        ("", "", "en"),
        ("", "pl, fr-BE;q=0.8, de;q=0.9", "de"),
        ("nl", "fr", "nl"),
        ("xx", "*", "en"),
        ("", "ga-IE,en;q=0.8", "ga"),
        ("", "fr;q=x, de;q=2, \x00", "en"),
        ("", "fr;q=0." + "9" * 4000, "en"),
    ],
)
def test_the_language_is_the_phones(asked: str, header: str, language: str) -> None:
    assert words.spoken(asked, header) == language
