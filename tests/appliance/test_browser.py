"""A real browser, through the door: the owner logs in and sees the meter live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.appliance.conftest import Door
from tests.virtual.pi.checkout import STATE

if TYPE_CHECKING:
    from tests.appliance.zigbee_box import Device

pytest_plugins = ["tests.appliance.home_assistant_fixtures", "tests.appliance.zigbee_box"]
pytestmark = pytest.mark.journal("nginx.service", "home-assistant.service")

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SCREENSHOTS = STATE / "screenshots"  # to look at by eye
SECONDS = 30_000  # for the first paint on a busy machine, in ms


@pytest.fixture
def page(door: Door) -> Iterator[Page]:
    """An empty browser window; its certificate check is test_tls's job."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        context = browser.new_context(
            base_url=door.url,
            ignore_https_errors=True,
            locale="en-IE",
            viewport={"width": 1280, "height": 900},
        )
        page = context.new_page()
        page.set_default_timeout(SECONDS)
        yield page
        browser.close()


@pytest.fixture
def load(meter: Device) -> Iterator[Callable[[float], None]]:
    """Lets the house draw a number of W."""
    yield meter.draw
    meter.draw("profile")


@pytest.fixture
def owner(page: Page, site: dict[str, Any], secret: Callable[[str], str]) -> Page:
    """The window after the owner's log-in: the first dashboard, not Home Assistant's own."""
    page.goto("/")
    page.locator("input[name=username]").fill(site["hems_owner_username"])
    page.locator("input[name=password]").fill(secret("owner_password"))
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(re.compile(r"/home-energy/"))
    return page


def picture(page: Page, name: str) -> None:
    """Keep a screenshot."""
    page.wait_for_timeout(1500)  # curves are drawn with an animation
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.mark.usefixtures("home_assistant", "mains")
def test_the_owner_sees_the_load_change(
    page: Page, request: pytest.FixtureRequest, load: Callable[[float], None]
) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda found: sockets.append(found.url))
    request.getfixturevalue("owner")
    load(1234)
    expect(page.get_by_text("1,234 W").first).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text(re.compile(r"[\d.,]+ kWh")).first).to_be_visible()
    expect(page.get_by_text(re.compile(r"2[23]\d(\.\d+)? V")).first).to_be_visible()
    page.evaluate("window.notReloaded = true")
    load(2345)
    expect(page.get_by_text("2,345 W").first).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text(re.compile(r"10\.\d+ A")).first).to_be_visible(timeout=SECONDS)
    assert page.evaluate("window.notReloaded")
    assert [url for url in sockets if url.startswith("wss://")]
    expect(page.locator("hui-history-graph-card canvas").first).to_be_visible()
    picture(page, "home_assistant")


@pytest.mark.usefixtures("home_assistant")
def test_the_energy_page_has_the_house(owner: Page, load: Callable[[float], None]) -> None:
    load(2100)
    owner.goto("/energy/now")
    expect(owner.get_by_text("2.1 kW").first).to_be_visible(timeout=SECONDS)
    owner.goto("/energy")
    expect(owner.locator("hui-energy-usage-graph-card").first).to_be_visible(timeout=SECONDS)
    picture(owner, "energy")
