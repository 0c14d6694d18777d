"""The file editor's page in a real browser: it is whole, without the internet, and saves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.appliance.conftest import Door
from tests.virtual.pi import browser

SECONDS = 30
pytest_plugins = ["tests.appliance.door_fixtures"]
pytestmark = pytest.mark.journal("hass-configurator", "nginx")


@pytest.fixture
def page(door: Door, owner: dict[str, str]) -> Iterator[Page]:
    """A browser's page, logged in at the door."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.executable(), args=["--no-sandbox"]
        )
        # What verifies the certificate is test_tls; a browser takes no CA from a file.
        context = chromium.new_context(ignore_https_errors=True)
        context.add_cookies(
            [
                {"name": name, "value": value, "url": door.url, "secure": True}
                for name, value in owner.items()
            ]
        )
        yield context.new_page()
        chromium.close()


def wait_until(page: Page, expression: str) -> None:
    """Ask until it is true: wait_for_function would eval in the page, which its policy forbids."""
    deadline = time.monotonic() + SECONDS
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"not true: {expression}"
        page.wait_for_timeout(100)


def test_a_file_is_edited_and_saved(pi: Any, page: Page, door: Door, site: dict[str, Any]) -> None:
    path = f"{site['hems_path_home_assistant_config']}/hems_test.yaml"
    pi.check_output(f"install -o homeassistant -m 0640 /dev/null {path} && echo '# old' >{path}")
    asked: list[str] = []
    page.on("response", lambda answer: asked.append(answer.url))
    try:
        page.goto(f"{door.url}/configurator/?loadfile=hems_test.yaml")
        wait_until(page, "window.editor && editor.getValue().startsWith('# old')")
        assert page.evaluate("editor.getSession().getMode().$id") == "ace/mode/yaml"
        page.evaluate("editor.setValue('# new\\n')")
        page.evaluate("save()")
        page.get_by_text("File saved successfully").wait_for()
        assert pi.file(path).content_string == "# new\n"
    finally:
        pi.check_output(f"rm -f {path}")
    wait_until(page, "document.fonts.check('16px \"Material Icons\"')")
    assert [url for url in asked if not url.startswith((door.url, "data:"))] == []
