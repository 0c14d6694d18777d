"""The field engineers' guide in docs/home_assistant.md does what it says."""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from tests.appliance.home_assistant_client import HomeAssistant
from tests.appliance.waiting import IN_TIME, wait_until
from tests.virtual.pi.checkout import ROOT

pytest_plugins = ["tests.appliance.home_assistant_fixtures", "tests.appliance.zigbee_box"]
pytestmark = pytest.mark.journal("home-assistant.service")


@pytest.fixture
def guide(pi: Any, site: dict[str, Any], home_assistant: HomeAssistant) -> Iterator[None]:
    """The energy.yaml of docs/home_assistant.md, with this box's second device in it."""
    page = (ROOT / "docs/home_assistant.md").read_text()
    (example,) = re.findall(r"^ *```yaml\n(.*?)^ *```$", page, re.DOTALL | re.MULTILINE)
    text = textwrap.dedent(example).replace("sensor.heat_pump_", "sensor.mains_")
    path = f"{site['hems_path_home_assistant_config']}/template_sensors/energy.yaml"
    encoded = base64.b64encode(text.encode()).decode()  # written as the configurator does
    pi.check_output("runuser -u homeassistant -- sh -c %s", f"echo {encoded} | base64 -d > {path}")
    yield
    pi.check_output("rm %s", path)
    home_assistant.service("template", "reload")
    registered = home_assistant.call("config/entity_registry/list")
    for unique_id in ("rest_of_house_power", "heat_pump_energy"):
        (entry,) = (item for item in registered if item["unique_id"] == unique_id)
        home_assistant.call("config/entity_registry/remove", entity_id=entry["entity_id"])


@pytest.mark.usefixtures("guide", "meter", "mains")
def test_the_guides_example_works(home_assistant: HomeAssistant) -> None:
    check = "/api/config/core/check_config"
    status, answer = home_assistant.http.request("POST", check, token=home_assistant.token)
    assert (status, answer["result"]) == (200, "valid"), answer
    home_assistant.service("template", "reload")

    def values(*entities: str) -> list[float]:
        return [float(str(home_assistant.state(f"sensor.{entity}"))) for entity in entities]

    def right() -> bool:
        try:
            rest, house, device = values("rest_of_house_power", "hems_power", "mains_power")
            energy, summation = values("mains_energy", "mains_summation_delivered")
        except ValueError:  # one of them is not available yet
            return False
        return rest == house - device and energy == summation

    wait_until(
        lambda: home_assistant.state("sensor.mains_energy") is not None, IN_TIME, "it is there"
    )
    wait_until(right, IN_TIME, "the sensors have their values")
    attributes = home_assistant.get("/api/states/sensor.mains_energy")["attributes"]
    assert attributes["state_class"] == "total_increasing"
