"""The portal in a real browser: a small phone without scripts, cookies or storage."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hems.onboarding.core import Lock, Network, Trouble
from hems.onboarding.pages import About
from hems.onboarding.portal import Attempt, Choice, Portal
from hems.onboarding.words import LANGUAGES
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from tests.contract import npm
from tests.virtual.pi import browser
from tests.virtual.pi.checkout import ROOT, STATE

SCREENSHOTS = STATE / "screenshots"  # to look at by eye
SECONDS = 30_000  # for the first paint on a busy machine, in ms
PHONE: ViewportSize = {"width": 360, "height": 740}
HERE, PORT = "127.0.0.1", 18997
# Chromium's setting "block all cookies", which closes every other storage to pages as well
STORES_NOTHING = {"profile": {"default_content_setting_values": {"cookies": 2}}}
STORES = """() => [
  ...["localStorage", "sessionStorage"].map(name => {
    try { window[name].setItem("a", "b"); return "open" } catch (error) { return error.name }
  }),
  (document.cookie = "a=b", document.cookie),
]"""
ABOUT = About("Cork 1", "HEMS-Cork 1", "https://hems-cork-01.local/")
NETWORKS = [
    Network(b'O\'Brien "home"', 82, Lock.WPA2),
    Network(b"eir-4711-2.4G-with-a-long-name32", 64, Lock.TRANSITION),
    Network(b"Cafe", 40, Lock.OPEN),
    Network(b"Work", 30, Lock.ENTERPRISE),
]


@dataclass
class Served:
    """A portal that is served, and what its guests have chosen."""

    portal: Portal
    chosen: list[Choice] = field(default_factory=list)
    told: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def served() -> Iterator[Served]:
    """The portal on this machine; it needs no Pi."""

    async def scan() -> None:
        pass

    def choose(choice: Choice) -> None:
        one.chosen.append(choice)
        one.told.set()

    one = Served(Portal(ABOUT, HERE, chosen=choose, scan=scan))
    one.portal.networks = NETWORKS
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(one.portal.start(PORT), loop).result(30)
    try:
        yield one
    finally:
        asyncio.run_coroutine_threadsafe(one.portal.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def phone(*, scripts: bool) -> Iterator[Page]:
    """A small phone that keeps no cookie and lets a page store nothing."""
    with sync_playwright() as playwright, TemporaryDirectory() as profile:
        settings = Path(profile, "Default", "Preferences")
        settings.parent.mkdir()
        settings.write_text(json.dumps(STORES_NOTHING), encoding="utf-8")
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=browser.executable(),
            args=["--no-sandbox", "--disable-gpu"],
            base_url=f"http://{HERE}:{PORT}",
            java_script_enabled=scripts,
            viewport=PHONE,
            locale="en-IE",
        )
        page = context.new_page()
        page.set_default_timeout(SECONDS)
        expect.set_options(timeout=SECONDS)
        yield page
        expect.set_options(timeout=5_000)  # as it was
        assert context.cookies() == []
        context.close()


@pytest.fixture
def page() -> Iterator[Page]:
    """A small phone without scripts."""
    with phone(scripts=False) as one:
        yield one


def picture(page: Page, name: str) -> None:
    """Keep a screenshot."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"onboarding_{name}.png", full_page=True)


def test_a_guest_chooses_a_network_on_a_small_phone(page: Page, served: Served) -> None:
    page.goto("/")
    picture(page, "networks")
    for box in page.locator("label.net, input.text:visible, button, label.tick, nav a").all():
        size = box.bounding_box()
        assert size is not None
        assert size["height"] >= 43, "a thumb needs that much"
        assert size["x"] >= 0 and size["x"] + size["width"] <= PHONE["width"]
    expect(page.get_by_role("radio", name="Work needs a user name")).to_be_disabled()
    expect(page.get_by_label("Name of the hidden")).to_be_hidden()
    page.get_by_label("Another network").check()
    expect(page.get_by_label("Name of the hidden")).to_be_visible()
    page.get_by_label("O'Brien").check()
    key = page.get_by_label("Passphrase", exact=True)
    key.fill("right horse")
    expect(key).to_have_css("-webkit-text-security", "disc")
    page.get_by_label("Show the passphrase").check()
    expect(key).to_have_css("-webkit-text-security", "none")
    picture(page, "filled_in")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Connect")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text('Connecting to “O\'Brien "home"”')
    expect(page.get_by_role("link")).to_have_attribute("href", ABOUT.url)
    assert "horse" not in page.url
    picture(page, "connecting")
    assert served.told.wait(30)
    assert served.chosen == [Choice(NETWORKS[0].ssid, "right horse", Lock.WPA2, hidden=False)]


def test_what_went_wrong_is_said_in_the_phones_language(page: Page, served: Served) -> None:
    served.portal.last = Attempt(NETWORKS[1].ssid, Trouble.TRANSITION)
    page.goto("/")
    picture(page, "wrong")
    page.get_by_role("link", name="Deutsch").click()
    expect(page.get_by_role("alert")).to_contain_text("Stellen Sie den Router auf WPA2 allein")
    expect(page.get_by_label("eir-4711")).to_be_checked()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("button", name="Noch einmal suchen").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_a_phone_that_stores_nothing_gets_as_far(served: Served) -> None:
    with phone(scripts=True) as page:
        page.goto("/")
        assert page.evaluate(STORES) == ["SecurityError", "SecurityError", ""], "nothing is denied"
        page.get_by_role("button", name="Search again").click()
        page.get_by_label("Another network").check()
        page.get_by_label("Name of the hidden").fill("Attic")
        page.get_by_label("Passphrase", exact=True).fill("right horse")
        page.get_by_role("button", name="Connect").click()
        expect(page.get_by_role("link")).to_have_attribute("href", ABOUT.url)
        assert served.told.wait(30)
        assert served.chosen == [Choice(b"Attic", "right horse", None, hidden=True)]


def test_a_screen_reader_finds_its_way(served: Served) -> None:
    axe = npm.packages("axe", ROOT / "tests/virtual/axe") / "axe-core/axe.min.js"
    served.portal.last = Attempt(NETWORKS[1].ssid, Trouble.TRANSITION)
    with phone(scripts=True) as page:  # axe's own; the page has none
        for language in LANGUAGES:
            page.goto(f"/?lang={language}")
            page.get_by_label("eir-4711").check()
            assert serious(page, axe) == []
        page.get_by_role("textbox").last.fill("right horse")
        page.locator("button.main").click()
        expect(page.get_by_role("link")).to_have_attribute("href", ABOUT.url)
        assert serious(page, axe) == []


def serious(page: Page, axe: Path) -> list[str]:
    """Return what axe finds serious or worse: its rules and where."""
    page.evaluate(axe.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run()")
    assert len(found["passes"]) > 10, "it has looked"
    return [
        f"{one['id']}: {one['nodes'][0]['html']}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
