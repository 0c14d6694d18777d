"""Every service has what it needs of the system, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

OURS, OTHERS = 2.0, 3.5  # of 10: systemd-analyze security's exposure

# What else the appliance is made of, beside the units whose files are ours.
PACKAGED = ("influxdb", "mosquitto", "nginx", "avahi-daemon")


def exposure(pi: Any, unit: str) -> float:
    """Return how open a unit is, 0 to 10."""
    lines = pi.run(f"systemd-analyze security --no-pager {unit}").stdout
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", lines)
    assert found, f"{unit}: {lines}"
    return float(found[1])


def ours(pi: Any) -> list[str]:
    """Return the services whose unit file the playbook wrote."""
    written = "grep -l '^# .*[Aa]nsible' /etc/systemd/system/*.service"
    return sorted(path.rpartition("/")[2] for path in pi.check_output(written).split())


def test_every_unit_of_ours_is_closed(pi: Any) -> None:
    levels = {unit: exposure(pi, unit) for unit in ours(pi)}
    print(json.dumps(levels))
    assert len(levels) >= 8
    assert {unit: level for unit, level in levels.items() if level > OURS} == {}


@pytest.mark.parametrize("name", PACKAGED)
def test_others_are_closed_as_far_as_they_can(pi: Any, name: str) -> None:
    assert exposure(pi, f"{name}.service") <= OTHERS


def test_none_of_them_can_gain_rights(pi: Any) -> None:
    for unit in [*ours(pi), *(f"{name}.service" for name in PACKAGED)]:
        shown = pi.check_output(f"systemctl show -p NoNewPrivileges -p ProtectSystem {unit}")
        assert set(shown.split()) == {"NoNewPrivileges=yes", "ProtectSystem=strict"}, unit
