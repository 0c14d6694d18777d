"""What the owner and field engineers have in Home Assistant stays theirs, whatever we converge."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from hems.home_assistant import HomeAssistantError

from tests.appliance.home_assistant_client import (
    Converge,
    HomeAssistant,
    wait_until,
)

pytest_plugins = ["tests.appliance.home_assistant_fixtures"]

UNIT = "home-assistant.service"
pytestmark = pytest.mark.journal(UNIT)

OWNERS = {
    "template_sensors/energy.yaml": """- sensor:
    - name: Test engineer kilowatt
      unique_id: test_engineer_kilowatt
      unit_of_measurement: kW
      device_class: power
      state: "{{ 1.5 }}"
""",
    "automations/test_night.yaml": """- alias: Test night
  triggers: []
  actions: []
""",
    "packages/test_package.yaml": "input_boolean: {test_owner: {}}\n",
}


def write(pi: Any, path: PurePosixPath, text: str) -> None:
    """Write a file as Home Assistant's user, as the configurator does."""
    encoded = base64.b64encode(text.encode()).decode()
    command = f"echo {encoded} | base64 -d > {path}"
    pi.check_output("runuser -u homeassistant -- sh -c %s", command)


@pytest.fixture
def configuration(site: dict[str, Any]) -> PurePosixPath:
    return PurePosixPath(site["hems_path_home_assistant_config"])


@pytest.fixture
def owners_files(pi: Any, configuration: PurePosixPath) -> Iterator[None]:
    """Files as owners and field engineers write them, gone again afterwards."""
    for name, text in OWNERS.items():
        write(pi, configuration / name, text)
    yield
    for name in OWNERS:
        pi.check_output("rm -f %s", str(configuration / name))


def unchanged(converged: Any) -> bool:
    return " changed=0 " in re.sub(r"\s+", " ", converged.stdout)


def test_a_check_of_a_settled_box_reports_nothing(converge: Converge) -> None:
    assert unchanged(converge("--check", "--diff"))


@pytest.mark.usefixtures("owners_files")
def test_an_engineers_files_work_and_survive(
    home_assistant: HomeAssistant,
    pi: Any,
    configuration: PurePosixPath,
    converge: Converge,
) -> None:
    home_assistant.service("template", "reload")
    home_assistant.service("automation", "reload")
    wait_until(
        lambda: home_assistant.state("sensor.test_engineer_kilowatt") == "1.5",
        10,
        "the engineer's template sensor has its value",
    )
    assert home_assistant.state("automation.test_night") == "on"
    assert unchanged(converge())
    for name, text in OWNERS.items():
        assert pi.file(str(configuration / name)).content_string == text


def test_a_broken_file_is_named_and_kept(
    home_assistant: HomeAssistant, pi: Any, configuration: PurePosixPath, converge: Converge
) -> None:
    broken = configuration / "template_sensors/broken.yaml"
    write(pi, broken, "- sensor: [\n")
    # Something of ours asks for a restart, so the configuration is looked at.
    result = converge("-e", "home_assistant_recorder_days=9", check=False)
    try:
        assert result.returncode != 0
        words = " ".join(result.stdout.split())
        assert "was not loaded" in words
        assert str(broken) in words
        assert pi.file(str(broken)).exists
        assert home_assistant.get("/api/config")["state"] == "RUNNING"
    finally:
        pi.check_output("rm -f %s", str(broken))
        converge()
    home_assistant.wait_until_ready()


def test_an_edit_of_our_file_is_kept(
    pi: Any, configuration: PurePosixPath, converge: Converge, home_assistant: HomeAssistant
) -> None:
    path = str(configuration / "configuration.yaml")
    before = pi.file(path).content_string
    write(pi, PurePosixPath(path), before + "\n# by hand\n")
    result = converge()
    kept = pi.check_output("ls %s | grep configuration.yaml.*kept", str(configuration)).split()
    pi.check_output("rm %s", str(configuration / kept[0]))
    assert len(kept) == 1
    assert kept[0] in result.stdout + result.stderr
    assert pi.file(path).content_string == before
    home_assistant.wait_until_ready()


def totp(secret: str) -> str:
    """Return the six digits of an authenticator app (RFC 6238, SHA-1, 30 s)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"


@pytest.fixture
def guest(home_assistant: HomeAssistant) -> Iterator[tuple[str, str]]:
    """A user of the test's own: name and password."""
    name, password = "test_guest", "long enough for a guest"
    groups = ["system-users"]
    user = home_assistant.call("config/auth/create", name=name, group_ids=groups)["user"]
    home_assistant.call(
        "config/auth_provider/homeassistant/create",
        user_id=user["id"],
        username=name,
        password=password,
    )
    yield name, password
    home_assistant.call("config/auth/delete", user_id=user["id"])


def test_two_factor_log_in_can_be_enrolled(
    home_assistant: HomeAssistant, guest: tuple[str, str]
) -> None:
    http = home_assistant.http
    access, _ = http.tokens(http.log_in(*guest))
    with home_assistant.connection(access) as connection:
        flow = connection.call("auth/setup_mfa", mfa_module_id="totp")
        assert "<svg" in flow["description_placeholders"]["qr_code"]
        code = totp(flow["description_placeholders"]["code"])
        answer = {"flow_id": flow["flow_id"], "user_input": {"code": code}}
        assert connection.call("auth/setup_mfa", **answer)["type"] == "create_entry"
    with pytest.raises(HomeAssistantError) as refused:
        http.log_in(*guest)
    assert refused.value.code == "mfa"


@pytest.fixture
def new_password(home_assistant: HomeAssistant, secret: Callable[[str], str]) -> Iterator[str]:
    """The owner's password is this one for the time of a test."""
    old, new = secret("owner_password"), f"chosen by the owner {secrets.token_hex(4)}"
    change = "config/auth_provider/homeassistant/change_password"
    home_assistant.call(change, current_password=old, new_password=new)
    yield new
    home_assistant.call(change, current_password=new, new_password=old)
    # The notification of a wrong log-in was the test's.
    home_assistant.service("persistent_notification", "dismiss_all")


def test_a_changed_password_stays_and_a_lost_token_is_told_in_one_sentence(
    new_password: str,
    home_assistant: HomeAssistant,
    pi: Any,
    site: dict[str, Any],
    converge: Converge,
) -> None:
    assert unchanged(converge())
    assert home_assistant.http.log_in(site["hems_owner_username"], new_password)
    token = f"{site['hems_path_secrets']}/home_assistant_token"
    pi.check_output("mv %s %s.away", token, token)
    log = site["hems_path_home_assistant_log"]
    wrong = "Login attempt or request with invalid authentication"
    before = pi.file(log).content_string.count(wrong)
    try:
        for _ in range(2):
            result = converge()
            assert unchanged(result)
            assert "not managed: the owner has changed the password" in " ".join(
                (result.stdout + result.stderr).split()
            )
        # The second run did not try again: ten wrong log-ins would get loopback banned.
        assert pi.file(log).content_string.count(wrong) == before + 1
    finally:
        pi.check_output("mv %s.away %s", token, token)
        pi.check_output("rm -f %s/home_assistant_login_refused", site["hems_path_secrets"])


def test_a_lost_token_and_a_lost_entry_come_back(
    pi: Any,
    site: dict[str, Any],
    converge: Converge,
    home_assistant: HomeAssistant,
    secret: Callable[[str], str],
) -> None:
    entries = home_assistant.get("/api/config/config_entries/entry")
    (entry,) = (entry for entry in entries if entry["domain"] == "influxdb")
    path = f"/api/config/config_entries/entry/{entry['entry_id']}"
    assert home_assistant.http.request("DELETE", path, token=home_assistant.token)[0] == 200
    pi.check_output("rm %s/home_assistant_token", site["hems_path_secrets"])
    converge()
    home_assistant.token = secret("home_assistant_token")
    home_assistant.wait_until_ready()
    tokens = home_assistant.call("auth/refresh_tokens")
    names = [item["client_name"] or "" for item in tokens]
    assert len([name for name in names if name.startswith("hems-provision")]) == 1
