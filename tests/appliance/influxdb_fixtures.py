"""Fixtures of the tests that talk to InfluxDB: ``pytest_plugins`` names this module."""

from __future__ import annotations

from typing import Any

import pytest

from tests.appliance.influxdb_client import OPERATOR, Influxdb, connect


@pytest.fixture(scope="module")
def influxdb(pi: Any, site: dict[str, Any]) -> Influxdb:
    """The server."""
    return connect(pi, site)


@pytest.fixture(scope="module")
def organization(influxdb: Influxdb) -> str:
    """The organization's id."""
    orgs = influxdb.ask("GET", "/api/v2/orgs", OPERATOR, {"org": "hems"}).body["orgs"]
    return str(orgs[0]["id"])
