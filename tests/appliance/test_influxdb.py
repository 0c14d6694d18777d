"""InfluxDB: set up, closed to everyone else, each token with its own rights, and data that stay."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.appliance.influxdb_client import (
    BUCKETS,
    HEMS,
    HISTORY,
    HOME_ASSISTANT,
    OPERATOR,
    PASSWORD,
    Influxdb,
    tokens,
)

pytest_plugins = ["tests.appliance.influxdb_fixtures"]
pytestmark = pytest.mark.journal("influxdb")


def test_it_listens_on_loopback_alone(pi: Any, site: dict[str, Any]) -> None:
    listing = pi.check_output("ss --no-header --listening --tcp --numeric").splitlines()
    port = f":{site['hems_port_influxdb']}"
    addresses = [line.split()[3] for line in listing]
    assert [one for one in addresses if one.endswith(port)] == [f"127.0.0.1{port}"]


def test_the_pinned_version_runs(pi: Any, site: dict[str, Any], influxdb: Influxdb) -> None:
    version = site["hems_version_influxdb"]
    health = influxdb.ask("GET", "/health").body
    assert (health["status"], health["version"]) == ("pass", f"v{version}")
    installed = pi.check_output("dpkg-query --show --showformat='${Version}' influxdb2")
    assert installed.startswith(f"{version}-")
    command = pi.check_output("dpkg-query --show --showformat='${Version}' influxdb2-cli")
    assert command.startswith(f"{site['hems_version_influxdb_cli']}-")


def test_apt_will_not_upgrade_it_by_itself(pi: Any, site: dict[str, Any]) -> None:
    policy = pi.check_output("apt-cache policy influxdb2")
    assert f"Candidate: {site['hems_version_influxdb']}" in policy
    pinned = pi.file("/etc/apt/preferences.d/influxdata").content_string
    assert "Pin: version *\nPin-Priority: -1" in pinned


def test_a_start_that_hangs_fails_in_the_end(pi: Any) -> None:
    limit = pi.check_output("systemctl show influxdb --property=TimeoutStartUSec --value")
    assert limit == "10min"
    assert pi.service("influxdb").is_enabled


def test_the_set_up_is_closed(influxdb: Influxdb) -> None:
    assert influxdb.ask("GET", "/api/v2/setup").body == {"allowed": False}
    intruder = {"username": "x", "password": "Abcdefgh1", "org": "x", "bucket": "x"}
    answer = influxdb.ask("POST", "/api/v2/setup", body=intruder)
    assert (answer.status, answer.body["message"]) == (
        422,
        "onboarding has already been completed",
    )


def test_nobody_gets_in_without_a_token(influxdb: Influxdb) -> None:
    for method, path in (
        ("GET", "/api/v2/buckets"),
        ("GET", "/query?db=home_assistant&q=SHOW+MEASUREMENTS"),
        ("POST", "/api/v2/write?org=hems&bucket=home_assistant"),
        ("POST", "/write?db=home_assistant"),
    ):
        assert influxdb.ask(method, path, body="" if method == "POST" else None).status == 401


def test_the_buckets_keep_what_they_should(influxdb: Influxdb, organization: str) -> None:
    for name, seconds in BUCKETS.items():
        params = {"name": name, "orgID": organization}
        (bucket,) = influxdb.ask("GET", "/api/v2/buckets", OPERATOR, params).body["buckets"]
        kept = [rule["everySeconds"] for rule in bucket["retentionRules"]]
        assert seconds is None or kept == [seconds]


READINGS = ["home_assistant", "home_assistant_1d", "home_assistant_1h"]


@pytest.mark.parametrize(
    ("token", "readable", "writable"),
    [
        (HOME_ASSISTANT, [], ["home_assistant"]),
        (HISTORY, READINGS, READINGS),
        (HEMS, ["hems_probe", "home_assistant"], ["hems_probe"]),
    ],
)
def test_a_token_does_its_job_and_nothing_else(
    influxdb: Influxdb, token: str, readable: list[str], writable: list[str]
) -> None:
    (databases,) = influxdb.query(token, "", "SHOW DATABASES")["series"]
    assert [row[0] for row in databases.get("values", [])] == readable
    for bucket in BUCKETS:
        expected = 204 if bucket in writable else 403
        params = {"org": "hems", "bucket": bucket}
        assert influxdb.ask("POST", "/api/v2/write", token, params, "").status == expected
        # To the 1.x API a bucket that the token may neither read nor write is not there.
        expected = expected if bucket in readable + writable else 404
        assert influxdb.ask("POST", "/write", token, {"db": bucket}, "").status == expected
    assert influxdb.ask("GET", "/api/v2/authorizations", token).body["authorizations"] == []


def test_what_only_reads_home_assistants_data_deletes_none(influxdb: Influxdb) -> None:
    for statement in ('DROP MEASUREMENT "W"', 'DELETE FROM "W"'):
        refused = influxdb.query(HEMS, "home_assistant", statement)
        assert refused["error"] == "insufficient permissions"


def test_each_token_is_there_once(influxdb: Influxdb, organization: str) -> None:
    names = [name for name, _ in tokens(influxdb, organization)]
    ours = sorted(name for name in names if name.startswith("hems:"))
    assert ours == ["hems:hems", "hems:history", "hems:home_assistant"]


def test_the_log_in_has_its_secret(influxdb: Influxdb, site: dict[str, Any]) -> None:
    assert influxdb.sign_in(site["hems_influxdb_username"], PASSWORD).status == 204
    assert influxdb.sign_in(site["hems_influxdb_username"], OPERATOR).status == 401


def test_weak_passwords_are_refused(influxdb: Influxdb) -> None:
    me = influxdb.ask("GET", "/api/v2/me", OPERATOR).body["id"]
    path = f"/api/v2/users/{me}/password"
    answer = influxdb.ask("POST", path, OPERATOR, body={"password": "onlysmallletters"})
    assert (answer.status, answer.body["code"]) == (400, "invalid")


def test_no_secret_is_in_the_journal(pi: Any, influxdb: Influxdb) -> None:
    for name in (OPERATOR, HOME_ASSISTANT, HISTORY, HEMS, PASSWORD):
        search = (
            f"journalctl --no-pager --output=cat | grep --count --fixed-strings --file={{}}/{name}"
        )
        assert pi.run(search.format(influxdb.secrets)).stdout.strip() == "0"


def test_points_survive_a_restart_and_a_crash(pi: Any, influxdb: Influxdb) -> None:
    at = time.time_ns() - 10**9
    for number, blow in enumerate(
        ["systemctl restart influxdb", "systemctl kill --signal=KILL influxdb"]
    ):
        line = f"survives,test=appliance value={number}i {at + number}"
        params = {"db": "hems_probe"}
        assert influxdb.ask("POST", "/write", HEMS, params, line).status == 204
        pi.check_output(blow)
        ready = "curl --silent --fail --retry 60 --retry-delay 1 --retry-all-errors"
        pi.check_output(f"{ready} --output /dev/null {influxdb.url}/health")
        question = f'SELECT value FROM "survives" WHERE time >= {at}'
        (series,) = influxdb.query(HEMS, "hems_probe", question)["series"]
        assert series["values"] == [[at + one, one] for one in range(number + 1)]


@pytest.mark.parametrize(
    ("what", "method", "path"),
    [
        ("Flux", "POST", "/api/v2/query?org=hems"),
        ("tasks", "GET", "/api/v2/tasks?org=hems"),
        ("backup", "GET", "/api/v2/backup/metadata"),
        ("replication", "GET", "/api/v2/replications?orgID={organization}"),
    ],
)
def test_what_only_a_real_server_has(
    influxdb: Influxdb, organization: str, what: str, method: str, path: str
) -> None:
    body = {"query": "buckets()"} if method == "POST" else None
    path = path.format(organization=organization)
    answer = influxdb.ask(method, path, OPERATOR, body=body, keep=False)
    if answer.status == 501:
        pytest.skip(f"not tested: {what}, which needs a real InfluxDB 2")
    assert answer.status == 200
