"""The broker as a service: what outlives a restart, its proof, its sandbox, its journal."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.appliance.mqtt_client import Broker, Logins, published

pytestmark = pytest.mark.journal("mosquitto")

PASSWORD_FILE = "/etc/mosquitto/hems.passwd"


@pytest.fixture
def login(door: Any, site: dict[str, Any], secret: Callable[[str], str]) -> Iterator[Logins]:
    logins = Logins(Broker(door.address, site["hems_port_mqtts"], door.ca), secret)
    yield logins
    logins.close()


def round_trip(run_module: Any, site: dict[str, Any], **changes: Any) -> dict[str, Any]:
    arguments = {
        "host": "127.0.0.1",
        "port": site["hems_port_mqtt"],
        "username": "hems",
        "password_file": f"{site['hems_path_secrets']}/mqtt_hems",
        "topic": "hems/hems/test",
    }
    result: dict[str, Any] = run_module("mqtt_round_trip", arguments | changes)
    return result


def test_what_is_retained_survives_a_restart(
    pi: Any, login: Logins, run_module: Any, site: dict[str, Any]
) -> None:
    word = uuid.uuid4().hex
    assert published(login("bench").publish("hems/bench/kept", word, retain=True))
    pi.check_output("systemctl restart mosquitto.service")
    assert round_trip(run_module, site)["milliseconds"] < 5_000
    assistant, device = login("home_assistant"), login("bench")
    assistant.subscribe("hems/bench/kept")
    assert assistant.settle("homeassistant/status") == [("hems/bench/kept", word.encode())]
    device.publish("hems/bench/kept", "", retain=True)
    # Written now: the next test's kill would bring the message back.
    pi.check_output("systemctl kill --signal=USR1 mosquitto.service")


def test_a_broker_that_is_killed_comes_back(pi: Any, run_module: Any, site: dict[str, Any]) -> None:
    before = pi.check_output("systemctl show mosquitto.service --property=MainPID --value")
    pi.check_output("systemctl kill --signal=KILL mosquitto.service")
    assert "milliseconds" in round_trip(run_module, site)
    assert pi.check_output("systemctl show mosquitto.service --property=MainPID --value") != before


def test_the_proof_tells_what_is_wrong(run_module: Any, site: dict[str, Any]) -> None:
    foreign = round_trip(run_module, site, topic="hems/meter/x")["msg"]
    assert "(Not authorized): its ACL file has another rule for this account." in foreign
    wrong = f"{site['hems_path_secrets']}/mqtt_meter"
    assert "refuses account 'hems'" in round_trip(run_module, site, password_file=wrong)["msg"]
    nobody = round_trip(run_module, site, port=site["hems_port_d2l_daemon"] + 1, timeout=1)
    assert "does not answer: Connection refused" in nobody["msg"]
    trusted = {"port": site["hems_port_mqtts"], "ca_file": f"{site['hems_path_tls']}/ca.crt"}
    assert "milliseconds" in round_trip(run_module, site, host=site["hems_hostname"], **trusted)
    stranger = round_trip(run_module, site, host="localhost.localdomain", **trusted)
    assert "is not one for 'localhost.localdomain' that the site's CA signed" in stranger["msg"]


def test_the_broker_has_no_rights_on_the_box(pi: Any) -> None:
    pid = pi.check_output("systemctl show mosquitto.service --property=MainPID --value")
    status = pi.file(f"/proc/{pid}/status").content_string
    rows = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert rows["CapEff"] == rows["CapBnd"] == "0" * 16
    assert rows["NoNewPrivs"] == "1"
    assert pi.process.get(pid=pid).user == "mosquitto"
    accounts = pi.file(PASSWORD_FILE)
    assert (accounts.user, accounts.mode) == ("mosquitto", 0o600)


def test_the_journal_tells_who_came_and_not_what_was_said(
    login: Logins, secret: Any, journal: Callable[[str], str]
) -> None:
    word = uuid.uuid4().hex
    login("bench").publish(f"hems/bench/{word}", word)
    lines = journal("mosquitto")
    assert "u'bench'" in lines
    assert word not in lines
    assert secret("mqtt_bench") not in lines
