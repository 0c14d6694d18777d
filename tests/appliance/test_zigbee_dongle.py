"""A dongle is given to Home Assistant whenever it comes, and what hinders that is named."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import pytest

from tests.appliance.dongle_box import DONGLE, HOME_ASSISTANT, is_loaded
from tests.appliance.home_assistant_client import HomeAssistant, this_pi, wait_until
from tests.appliance.watchdog_box import COMPRESSED, Watchdog, until
from tests.appliance.zigbee_box import zigbee_state
from tests.virtual.zigbee import on_pi

pytest_plugins = [
    "tests.appliance.dongle_box",
    "tests.appliance.home_assistant_fixtures",
    "tests.appliance.zigbee_box",
]

pytestmark = [pytest.mark.journal(DONGLE, HOME_ASSISTANT), pytest.mark.usefixtures("mended")]

ENTRIES = "/api/config/config_entries/entry"
# Home Assistant waits twice 10 s for a radio library whose port went away at the wrong moment.
FORGET_SECONDS = 60.0
GIVE_UP_SECONDS = 180.0  # Home Assistant probes for three kinds of dongle, at three speeds each


def pull_and_forget(home_assistant: HomeAssistant) -> None:
    """Pull the dongle out and take it out of Home Assistant, as if there had never been one."""
    on_pi.tell(this_pi(), ["unplug"])
    (entry,) = home_assistant.get(f"{ENTRIES}?domain=zha")
    status, answer = home_assistant.http.request(
        "DELETE",
        f"{ENTRIES}/{entry['entry_id']}",
        token=home_assistant.token,
        timeout=FORGET_SECONDS,
    )
    assert status == 200, answer
    time.sleep(3)  # it writes its entries down a second later


@pytest.fixture
def watchdog(pi: Any, site: dict[str, Any]) -> Generator[Watchdog]:
    box = Watchdog(pi, site)
    with box.set(**COMPRESSED):
        yield box


def issue(watchdog: Watchdog, code: str, seconds: float) -> dict[str, Any]:
    """Wait for an issue and return it."""
    until(lambda: code in watchdog.codes(), seconds)
    found = {entry["code"]: entry for entry in watchdog.issues().values()}
    assert code in found, f"{code} is not among {sorted(found)}"
    return found[code]


@pytest.mark.usefixtures("meter")
def test_a_dongle_that_comes_late_is_taken_by_itself(
    pi: Any, home_assistant: HomeAssistant, watchdog: Watchdog
) -> None:
    pull_and_forget(home_assistant)

    def detail() -> str:
        # Home Assistant may have been a while about deleting, and the dongle was missed meanwhile.
        return str(issue(watchdog, "zigbee_dongle_missing", 60)["detail"])

    wait_until(lambda: detail() == "none is plugged in", 60, "no dongle is plugged in")
    before = pi.check_output("hems zigbee backup --before-update")
    assert "nothing to back up" in before
    on_pi.tell(this_pi(), ["plug"])
    is_loaded(home_assistant)
    assert until(lambda: "zigbee_dongle_missing" not in watchdog.codes(), 60)
    assert "Home Assistant now uses" in pi.check_output(
        "journalctl -u %s -n 5 -o cat --no-pager", DONGLE
    )
    # Its network was not touched, so its devices are there without being paired.
    assert "meter" in pi.check_output("hems zigbee devices")


def test_a_blank_dongle_gets_home_assistants_newest_copy(
    pi: Any, home_assistant: HomeAssistant
) -> None:
    def network() -> list[str]:
        lines = pi.check_output("hems zigbee info").splitlines()
        return [line for line in lines if line.startswith(("Address", "Network", "Channel"))]

    before = network()
    pull_and_forget(home_assistant)
    on_pi.tell(this_pi(), ["replace", "blank"])  # and plugged in
    is_loaded(home_assistant)
    assert network() == before


def test_a_dongle_that_does_not_answer_is_named_and_tried_again(
    home_assistant: HomeAssistant, watchdog: Watchdog
) -> None:
    pull_and_forget(home_assistant)
    on_pi.tell(this_pi(), ["deaf", "1000000"])
    on_pi.tell(this_pi(), ["plug"])

    def named() -> bool:
        issues = watchdog.issues().values()
        return any("does not answer as a Zigbee dongle" in one["detail"] for one in issues)

    assert until(named, GIVE_UP_SECONDS), watchdog.issues()
    assert "zigbee_down" in watchdog.codes()
    flows = home_assistant.call("config_entries/flow/progress")
    assert [flow for flow in flows if flow["handler"] == "zha"] == []
    on_pi.tell(this_pi(), ["mend"])
    wait_until(
        lambda: zigbee_state(home_assistant) == "loaded", GIVE_UP_SECONDS, "the next try takes it"
    )


def test_a_second_adoption_changes_nothing(pi: Any, home_assistant: HomeAssistant) -> None:
    (before,) = home_assistant.get(f"{ENTRIES}?domain=zha")
    assert "has its Zigbee dongle already" in pi.check_output("hems zigbee adopt")
    assert home_assistant.get(f"{ENTRIES}?domain=zha") == [before]
