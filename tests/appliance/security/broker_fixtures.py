"""The broker as devices find it: what the tests that attack it have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.appliance.mqtt_client import Broker, Logins


@pytest.fixture
def broker(pi: Any, door: Any, site: dict[str, Any]) -> Iterator[Broker]:
    """The broker as devices find it; what was counted of this host is forgotten at the end."""
    pi.check_output("systemctl reload hems-mqtt-limits.service")
    yield Broker(door.address, site["hems_port_mqtts"], door.ca)
    pi.check_output("systemctl reload hems-mqtt-limits.service")


@pytest.fixture
def login(broker: Broker, secret: Callable[[str], str]) -> Iterator[Logins]:
    """Connects as accounts."""
    logins = Logins(broker, secret)
    yield logins
    logins.close()


@pytest.fixture
def another(run_module: Any, site: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Has another client, on the box, go through the port for devices."""
    arguments = {
        "host": site["hems_hostname"],
        "port": site["hems_port_mqtts"],
        "ca_file": f"{site['hems_path_tls']}/ca.crt",
        "username": "hems",
        "password_file": f"{site['hems_path_secrets']}/mqtt_hems",
        "topic": "hems/hems/test",
        "timeout": 20,
    }

    def round_trip() -> dict[str, Any]:
        result: dict[str, Any] = run_module("mqtt_round_trip", arguments)
        return result

    return round_trip
