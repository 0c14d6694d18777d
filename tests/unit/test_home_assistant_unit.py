"""Home Assistant's unit: nothing is in its reach that it must not have yet."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from tests.unit.modules import ROOT

ROLE = ROOT / "roles/home_assistant"


def unit(onboarding: dict[str, Any] | None) -> list[str]:
    """Return the unit's lines for what the play read of Home Assistant's onboarding."""
    ansible = Environment(undefined=StrictUndefined)
    ansible.filters |= {
        "comment": "# {}".format,
        "to_json": json.dumps,
        "from_json": json.loads,
        "b64encode": lambda text: base64.b64encode(text.encode()).decode(),
        "b64decode": base64.b64decode,
        "relpath": os.path.relpath,
    }
    internal = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    read: dict[str, str] = {}
    if onboarding is not None:
        read["content"] = base64.b64encode(json.dumps(onboarding).encode()).decode()
    given: dict[str, Any] = {"__home_assistant_onboarding": read}
    for name in ("__home_assistant_stored", "__home_assistant_owned"):
        given[name] = ansible.from_string(internal[name]).render(given)
    template = ROLE / "templates/etc/systemd/system/home-assistant.service.j2"
    text = ansible.from_string(template.read_text()).render(
        given,
        __home_assistant_owned=given["__home_assistant_owned"] == "True",
        __home_assistant_user="homeassistant",
        ansible_managed="ours",
        home_assistant_clock_wait=180,
        home_assistant_config="/var/lib/home-assistant",
        home_assistant_memory_high="60%",
        home_assistant_notes_directory="/var/log/hems-files/home-assistant",
        home_assistant_state_files="python -m hems.state_files",
        home_assistant_root="/opt/home-assistant",
        home_assistant_serial_devices=["char-ttyUSB", "char-ttyACM"],
    )
    return text.splitlines()


@pytest.mark.parametrize("onboarding", [None, {"data": {"done": ["core_config", "analytics"]}}])
def test_without_an_owner_it_opens_no_dongle(onboarding: dict[str, Any] | None) -> None:
    # It would take one by itself and form a new network over the one in it.
    lines = unit(onboarding)
    assert "DevicePolicy=closed" in lines
    assert [line for line in lines if line.startswith("DeviceAllow")] == []


def test_with_an_owner_it_may() -> None:
    lines = unit({"data": {"done": ["user", "core_config"]}})
    assert {"DeviceAllow=char-ttyUSB rw", "DeviceAllow=char-ttyACM rw"} <= set(lines)
