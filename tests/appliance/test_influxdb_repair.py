"""InfluxDB's set-up module on the converged Pi: what it repairs, and what it refuses in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.appliance.influxdb_client import (
    BUCKETS,
    OPERATOR,
    PASSWORD,
    Influxdb,
    tokens,
)

pytest_plugins = ["tests.appliance.influxdb_fixtures"]
pytestmark = pytest.mark.journal("influxdb")

Run = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture
def arguments(pi: Any, site: dict[str, Any], influxdb: Influxdb) -> Iterator[dict[str, Any]]:
    """Arguments for influxdb_setup that keep what the appliance uses; files of our own."""
    directory = pi.check_output("mktemp -d")
    for name in (OPERATOR, PASSWORD):
        pi.check_output("cp %s/%s %s/", influxdb.secrets, name, directory)
    yield {
        "url": influxdb.url,
        "timeout": 30,
        "organization": "hems",
        "username": site["hems_influxdb_username"],
        "password_file": f"{directory}/{PASSWORD}",
        "operator_token_file": f"{directory}/{OPERATOR}",
        "metadata": f"{site['hems_path_influxdb']}/influxd.bolt",
        "buckets": [{"name": name, "retention": kept} for name, kept in BUCKETS.items()],
        "token_directory": directory,
        "tokens": [],
    }
    pi.check_output("rm -r %s", directory)


def test_a_lost_token_is_replaced_and_others_stay(
    pi: Any, run_module: Run, arguments: dict[str, Any], influxdb: Influxdb, organization: str
) -> None:
    arguments["tokens"] = [
        {"description": "test:appliance", "file": "token", "read": ["hems_probe"]}
    ]
    path = f"{arguments['token_directory']}/token"
    try:
        assert run_module("influxdb_setup", arguments)["did"] == ["made token test:appliance"]
        assert pi.file(path).mode == 0o600
        first = pi.check_output("sha256sum %s", path)
        assert run_module("influxdb_setup", arguments)["changed"] is False
        pi.check_output("rm %s", path)
        assert run_module("influxdb_setup", arguments)["did"] == ["made token test:appliance"]
        assert pi.check_output("sha256sum %s", path) != first
        listed = [one for one in tokens(influxdb, organization) if one[0] == "test:appliance"]
        assert len(listed) == 1
    finally:
        for name, id_ in tokens(influxdb, organization):
            if name == "test:appliance":
                influxdb.ask("DELETE", f"/api/v2/authorizations/{id_}", OPERATOR)


def test_a_wrong_operator_token_is_told_in_words(
    pi: Any, run_module: Run, arguments: dict[str, Any]
) -> None:
    pi.check_output("echo not-the-operator >%s", arguments["operator_token_file"])
    answer = run_module("influxdb_setup", arguments)
    assert "was set up before" in answer["msg"]
    assert "influxd recovery auth create-operator" in answer["msg"]
    assert answer["did"] == []


def test_a_weak_log_in_is_told_in_words_and_changes_nothing(
    pi: Any,
    run_module: Run,
    arguments: dict[str, Any],
    influxdb: Influxdb,
    site: dict[str, Any],
) -> None:
    pi.check_output("echo onlysmallletters >%s", arguments["password_file"])
    answer = run_module("influxdb_setup", arguments)
    assert "hems_secret_influxdb_password" in answer["msg"]
    assert "onlysmallletters" not in str(answer)
    assert influxdb.sign_in(site["hems_influxdb_username"], PASSWORD).status == 204
