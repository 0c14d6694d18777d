"""Home Assistant's unit: nothing is in its reach that it must not have yet."""

from __future__ import annotations

import os
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from tests.unit.modules import ROOT

ROLE = ROOT / "roles/home_assistant"


def unit(done: list[str]) -> list[str]:
    """Return the unit's lines for the steps of Home Assistant's onboarding that are done."""
    ansible = Environment(undefined=StrictUndefined)
    ansible.filters |= {
        "comment": "# {}".format,
        "dirname": os.path.dirname,
        "relpath": os.path.relpath,
    }
    internal = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    given: dict[str, Any] = {"__home_assistant_onboarding": {"done": done}}
    owned = ansible.from_string(internal["__home_assistant_owned"]).render(given)
    template = ROLE / "templates/etc/systemd/system/home-assistant.service.j2"
    text = ansible.from_string(template.read_text()).render(
        given,
        __home_assistant_owned=owned == "True",
        __home_assistant_user="homeassistant",
        ansible_managed="ours",
        home_assistant_clock_wait=180,
        home_assistant_config="/var/lib/home-assistant",
        home_assistant_log="/var/log/home-assistant/home-assistant.log",
        home_assistant_memory_high="60%",
        home_assistant_notes_directory="/var/log/hems-files/home-assistant",
        home_assistant_state_files="python -m hems.state_files",
        home_assistant_root="/opt/home-assistant",
        home_assistant_serial_devices=["char-ttyUSB", "char-ttyACM"],
    )
    return text.splitlines()


@pytest.mark.parametrize("done", [[], ["core_config", "analytics"]])
def test_without_an_owner_it_opens_no_dongle(done: list[str]) -> None:
    # It would take one by itself and form a new network over the one in it.
    lines = unit(done)
    assert "DevicePolicy=closed" in lines
    assert [line for line in lines if line.startswith("DeviceAllow")] == []


def test_with_an_owner_it_may() -> None:
    lines = unit(["user", "core_config"])
    assert {"DeviceAllow=char-ttyUSB rw", "DeviceAllow=char-ttyACM rw"} <= set(lines)
