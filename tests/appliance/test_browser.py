"""A real browser, through the door: the owner logs in and sees the meter live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.appliance.conftest import Door
from tests.virtual.meter.link import Link
from tests.virtual.meter.pulses import Reading
from tests.virtual.pi.checkout import STATE

pytest_plugins = ["tests.appliance.home_assistant_fixtures"]
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
def meter(site: dict[str, Any], door: Door, secret: Callable[[str], str]) -> Iterator[Link]:
    """The simulated meter, connected over the house's network."""
    link = Link("meter", secret("mqtt_meter"), door.ca)
    link.open(door.address, site["hems_port_mqtts"], 15)
    yield link
    link.close()


@pytest.mark.usefixtures("home_assistant")
def test_the_owner_logs_in_and_sees_the_power_change(
    page: Page, meter: Link, site: dict[str, Any], secret: Callable[[str], str]
) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda found: sockets.append(found.url))
    page.goto("/")
    page.locator("input[name=username]").fill(site["hems_owner_username"])
    page.locator("input[name=password]").fill(secret("owner_password"))
    page.get_by_role("button", name="Log in").click()
    # Right after log-in: the first dashboard, not Home Assistant's own.
    page.wait_for_url(re.compile(r"/home-energy/"))
    assert meter.report(Reading(1234, 5000))
    expect(page.get_by_text("1,234 W").first).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text(re.compile(r"[\d.,]+ kWh")).first).to_be_visible()
    page.evaluate("window.notReloaded = true")
    assert meter.report(Reading(2345, 5000.001))
    expect(page.get_by_text("2,345 W").first).to_be_visible()
    assert page.evaluate("window.notReloaded")
    assert [url for url in sockets if url.startswith("wss://")]
    expect(page.locator("hui-history-graph-card canvas").first).to_be_visible()
    page.wait_for_timeout(1500)  # the curve is drawn with an animation
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "home_assistant.png")
