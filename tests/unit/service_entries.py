"""The services' entries as the roles render them, for every test that needs some."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from hems.health.catalogue import KINDS, Kind
from hems.services import Entry, Found, kind_of, parse_entry, settle
from jinja2 import Environment, StrictUndefined

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(ROOT.glob("roles/*/templates/etc/hems/services.d/*.toml.j2"))
VALUES = {
    "configurator_port": 13218,
    "hems_port_door_login": 17999,
    "hems_port_ssh": 10022,
    "home_assistant_door_port": 10443,
    "home_assistant_port": 18123,
    "home_assistant_start_seconds": 300,
    "influxdb_directory": "/var/lib/influxdb",
    "influxdb_port": 18086,
    "linky_door_port": 17845,
    "mosquitto_address_tries": 60,
    "mosquitto_lan_enabled": True,
    "mosquitto_lan_port": 18883,
    "mosquitto_port": 11883,
    "nginx_http_port": 10080,
    "nginx_https_port": 10443,
    "__hems_discovery_unit": "hems-discovery.service",
    "__hems_door_unit": "hems-door.service",
    "__hems_leds_unit": "hems-leds.service",
    "__home_assistant_unit": "home-assistant.service",
    "ansible_managed": "Ansible managed",
}


def rendered(template: Path, **values: object) -> str:
    """Return one entry's text."""
    world = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    world.filters |= {"to_json": json.dumps, "comment": lambda text: f"# {text}"}
    world.trim_blocks = True
    return world.from_string(template.read_text()).render(**VALUES | values)


def kind(code: str) -> Kind:
    """Return the issue of a code that a service brings, or that is the box's own."""
    brought = (kind_of(one, entry.unit) for entry in entries().values() for one in entry.healths)
    return next((one for one in brought if one.code == code), None) or KINDS[code]


@cache
def entries(**values: object) -> dict[str, Entry]:
    """Return every role's entry by name, in the order of ``hems status``."""
    found = {}
    for template in TEMPLATES:
        name = template.name.removesuffix(".toml.j2")
        assert name not in found, "two roles have an entry of one name"
        found[name] = parse_entry(rendered(template, **values), template.name)
    settled: Found = settle(found, Path("services.d"))
    assert settled.problems == ()
    return settled.entries
