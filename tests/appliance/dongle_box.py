"""What the tests of the dongle's care share: each starts with a loaded ZHA and leaves one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.appliance.home_assistant_client import HomeAssistant, this_pi, wait_until
from tests.appliance.zigbee_box import zigbee_state
from tests.virtual.zigbee import on_pi

DONGLE, HOME_ASSISTANT = "hems-dongle.service", "home-assistant.service"
LOAD_SECONDS = 90.0


@pytest.fixture
def mended(pi: Any, home_assistant: HomeAssistant) -> Iterator[None]:
    """ZHA is loaded, before and after; what a test breaks for good makes only that test fail."""
    is_loaded(home_assistant)
    yield
    for word in ("mend", "plug"):
        on_pi.tell(this_pi(), [word])
    home_assistant.wait_until_ready()
    try:
        is_loaded(home_assistant)
    except AssertionError:
        pi.check_output("systemctl restart %s", HOME_ASSISTANT)
        home_assistant.wait_until_ready()
        pi.check_output("systemctl start %s", DONGLE)
        raise


def is_loaded(home_assistant: HomeAssistant) -> None:
    wait_until(lambda: zigbee_state(home_assistant) == "loaded", LOAD_SECONDS, "ZHA is loaded")
