"""The door's log-in in a real browser: on a small phone, without scripts, beside Home Assistant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect, sync_playwright

from tests.appliance.conftest import Door
from tests.virtual.pi import browser
from tests.virtual.pi.checkout import STATE

pytest_plugins = ["tests.appliance.door_fixtures"]
pytestmark = pytest.mark.journal("hems-door", "nginx")

SCREENSHOTS = STATE / "screenshots"  # to look at by eye
SECONDS = 30_000  # for the first paint on a busy machine, in ms
PHONE: ViewportSize = {"width": 320, "height": 568}


@pytest.fixture
def contexts(door: Door) -> Iterator[list[BrowserContext]]:
    """A small phone without scripts, and a browser as usual."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.executable(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield [
            chromium.new_context(
                base_url=door.url,
                ignore_https_errors=True,
                java_script_enabled=False,
                viewport=PHONE,
            ),
            chromium.new_context(base_url=door.url, ignore_https_errors=True),
        ]
        chromium.close()


def picture(page: Page, name: str) -> None:
    """Keep a screenshot."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def log_in(page: Page, user: str, password: str) -> None:
    """Fill in the door's form and send it."""
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_on_a_small_phone_without_scripts(
    contexts: list[BrowserContext], account: tuple[str, str]
) -> None:
    page = contexts[0].new_page()
    page.set_default_timeout(SECONDS)
    page.goto("/configurator/?loadfile=automations.yaml")
    expect(page).to_have_url("/door/login?next=/configurator/?loadfile=automations.yaml")
    picture(page, "door_log_in")
    for box in page.locator("input:not([type=hidden]), button").all():
        size = box.bounding_box()
        assert size is not None
        assert size["height"] >= 44, "a thumb needs that much"
        assert size["x"] >= 0 and size["x"] + size["width"] <= PHONE["width"]
    log_in(page, account[0], "wrong")
    expect(page.get_by_role("alert")).to_contain_text("not right")
    picture(page, "door_wrong")
    log_in(page, *account)
    expect(page).to_have_url("/configurator/?loadfile=automations.yaml")
    page.goto("/door/")
    expect(page.get_by_role("heading")).to_have_text("You are logged in")
    picture(page, "door_inside")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading")).to_have_text("You are logged out.")
    page.goto("/influx/")
    expect(page.get_by_role("heading")).to_have_text("Log in")
