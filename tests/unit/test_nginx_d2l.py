"""The door's port for D2L dongles is open where a dongle belongs to the site, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from tests.unit.service_entries import ROOT

ROLE = ROOT / "roles/nginx"
PORT, DAEMON = 7845, 17845


def rendered(*, d2l: bool) -> str:
    """Return nginx.conf as the role renders it; what is not at stake has a number for a value."""
    names: dict[str, Any] = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    names |= yaml.safe_load((ROLE / "vars/main.yml").read_text())
    values = {
        name: 1 if isinstance(value, str) and "{{" in value else value
        for name, value in names.items()
    }
    values |= {"nginx_d2l_enabled": d2l, "nginx_d2l_port": PORT, "nginx_d2l_daemon_port": DAEMON}
    world = Environment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)
    world.filters["comment"] = lambda text: f"# {text}"
    text = (ROLE / "templates/etc/nginx/nginx.conf.j2").read_text()
    return world.from_string(text).render(ansible_managed="Ansible managed", **values)


@pytest.mark.parametrize("d2l", [True, False])
def test_the_port_is_there_for_dongles_only(d2l: bool) -> None:
    found = rendered(d2l=d2l)
    assert (f"listen {PORT}" in found) == d2l
    assert (str(DAEMON) in found) == d2l
    assert ("\nstream {" in found) == d2l
    assert ("proxy_protocol on;" in found) == d2l


def test_no_dongle_means_no_port() -> None:
    features = yaml.safe_load((ROOT / "inventory/pilot/group_vars/all/features.yml").read_text())
    site = yaml.safe_load((ROOT / "inventory/pilot/group_vars/all/site.yml").read_text())
    assert site["hems_d2l_dongles"] == []
    switch = Environment(autoescape=False).from_string(features["hems_d2l_enabled"])
    assert switch.render(hems_d2l_dongles=[]) == "False"
    assert switch.render(hems_d2l_dongles=[{"name": "linky"}]) == "True"
