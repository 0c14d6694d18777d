"""The door's port for D2L dongles is open where a dongle belongs to the site, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from jinja2 import Environment

from tests.unit.service_entries import ROOT

VARIABLES = ROOT / "inventory/pilot/group_vars/all"
LINKY = ROOT / "roles/linky"
STREAM = LINKY / "templates/etc/nginx/hems.d/stream/d2l.conf.j2"


def render(template: str, **values: Any) -> str:
    return Environment(autoescape=False).from_string(template).render(**values)


def test_the_door_itself_passes_no_port_on() -> None:
    """Only the drop-in of the service does, which goes with the service."""
    conf = (ROOT / "roles/nginx/templates/etc/nginx/nginx.conf.j2").read_text()
    assert "listen" not in conf.partition("\nstream {")[2]
    streams = sorted(ROOT.glob("roles/*/templates/etc/nginx/hems.d/stream/*"))
    assert [one for one in streams if "linky_door_port" in one.read_text()] == [STREAM]


@pytest.mark.parametrize("ipv6", [True, False])
def test_a_dongles_connection_goes_to_its_daemon_with_its_address(ipv6: bool) -> None:
    values = {"linky_door_port": 7845, "linky_port": 17845, "linky_connections": 10}
    found = render(
        STREAM.read_text().replace("{{ ansible_managed | comment }}", ""),
        linky_ipv6=ipv6,
        **values,
    )
    assert "listen 7845;" in found
    assert ("listen [::]:7845;" in found) == ipv6
    assert "proxy_pass 127.0.0.1:17845;" in found
    assert "proxy_protocol on;" in found


@pytest.mark.parametrize(
    ("dongles", "switch", "on"),
    [
        ([], None, False),  # nobody said anything
        ([{"name": "linky"}], None, True),
        ([{"name": "linky"}], False, False),  # switched off by hand
    ],
)
def test_the_service_follows_the_sites_dongles(
    dongles: list[dict[str, str]], switch: bool | None, on: bool
) -> None:
    features = yaml.safe_load((VARIABLES / "features.yml").read_text())
    assert features["hems_d2l_dongles"] == []
    enabled = switch
    if enabled is None:
        enabled = render(features["hems_d2l_enabled"], hems_d2l_dongles=dongles) == "True"
    defaults = yaml.safe_load((LINKY / "defaults/main.yml").read_text())
    mine = render(defaults["linky_dongles"], hems_d2l_dongles=dongles, hems_d2l_enabled=enabled)
    variables = yaml.safe_load((LINKY / "vars/main.yml").read_text())
    rendered = render(variables["__linky_d2l"], linky_dongles=yaml.safe_load(mine))
    assert rendered == str(on)
    tasks = yaml.safe_load((LINKY / "tasks/main.yml").read_text())
    services = [task["appliance_service"] for task in tasks if "appliance_service" in task]
    assert [one["enabled"] for one in services if one["name"] == "d2l"] == ["{{ __linky_d2l }}"]
