"""playbooks/rotate_secrets.yml: new secrets, the old ones ended, each reading stored.

Other tests remember this Pi's secrets, so that they can't run on it afterwards.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.appliance.conftest import Door
from tests.appliance.door_client import log_in
from tests.appliance.home_assistant_client import this_pi
from tests.appliance.influxdb_client import OPERATOR, Influxdb
from tests.appliance.waiting import LONG, wait_until
from tests.virtual.pi import play

pytest_plugins = "tests.appliance.influxdb_fixtures"
pytestmark = [pytest.mark.journal("home-assistant", "hems-watchdog", "influxdb"), LONG]

KINDS = "owner,home_assistant,operator,tokens,door,influxdb,mqtt,hotspot"
RENEWED = (
    *("owner_password", "home_assistant_token", "influxdb_operator_token", "door_password"),
    *("influxdb_token_home_assistant", "influxdb_token_history", "influxdb_token_hems", "door_key"),
    *("influxdb_password", "mqtt_home_assistant", "mqtt_hems", "mqtt_discovery", "mqtt_meter"),
)
OLD = "/root/old-secrets"
INFLUXDB_TOKENS = [name for name in RENEWED if name.startswith("influxdb_") and "token" in name]


def rotate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Play it on this Pi, as verbose as it can get without debugging."""
    return play.run(this_pi(), "playbooks/rotate_secrets.yml", "-v", "--diff", *arguments)


@pytest.fixture
def secrets(secret: Callable[[str], str]) -> Callable[[], dict[str, str]]:
    """What the files hold now."""
    return lambda: {name: secret(name) for name in RENEWED}


def test_a_secret_of_the_vault_is_not_renewed(secrets: Callable[[], dict[str, str]]) -> None:
    before = secrets()
    run = rotate("-e", "kinds=door", "-e", "hems_secret_door_password=a-password-of-the-vault")
    said = " ".join((run.stdout + run.stderr).split())
    assert run.returncode != 0 and "hems_secret_door_password of" in said, said
    assert "change it there and run playbooks/site.yml" in said
    assert secrets() == before


def test_all_are_renewed_and_no_reading_is_lost(
    pi: Any,
    site: dict[str, Any],
    influxdb: Influxdb,
    door: Door,
    secrets: Callable[[], dict[str, str]],
) -> None:
    old = secrets()
    pi.check_output("rm -rf %s && cp -a %s %s", OLD, site["hems_path_secrets"], OLD)
    run = rotate("-e", f"kinds={KINDS}", "-e", "devices=meter")
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    new = secrets()
    assert [name for name in RENEWED if old[name] == new[name]] == []
    assert [name for name in RENEWED if old[name] in said or new[name] in said] == []
    # The old ones are worth nothing, the new ones do what they should.
    before = replace(influxdb, secrets=OLD)
    databases = {"q": "SHOW DATABASES"}
    for name in INFLUXDB_TOKENS:
        assert before.ask("GET", "/query", name, databases).status == 401, name
        assert influxdb.ask("GET", "/query", name, databases).status == 200, name
    listed = influxdb.ask("GET", "/api/v2/authorizations", OPERATOR).body["authorizations"]
    described = [one["description"] for one in listed]
    assert not [one for one in described if one.startswith("before rotation")]
    assert "hems:home_assistant" in described
    keeper = site["hems_influxdb_username"]
    assert before.sign_in(keeper, "influxdb_password").status == 401
    assert pi.check_output("hems passwords --check") == ""
    keeper = site["hems_door_username"]
    answers = [
        log_in(door.url, door.session(), keeper, one["door_password"]).status_code
        for one in (old, new)
    ]
    assert answers == [403, 303]
    wait_until(lambda: pi.run("hems status").rc == 0, 120, "the box is well")
    wait_until(lambda: pi.run("hems history verify").rc == 0, 300, "each reading is in InfluxDB")
    pi.check_output("rm -r %s", OLD)
    known = f"grep -rF -f {site['hems_path_secrets']}/owner_password /var/log /run/systemd/system"
    assert pi.run(known).stdout == ""
