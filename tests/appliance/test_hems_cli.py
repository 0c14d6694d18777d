"""The ``hems`` command on the box: what it shows, and to whom."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

LAUNCHER = "/usr/local/bin/hems"


def status(pi: Any) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(pi.run(f"{LAUNCHER} status --json").stdout)
    return shown


def test_every_part_of_a_converged_box_is_ok(pi: Any, site: dict[str, Any]) -> None:
    ran = pi.run(f"{LAUNCHER} status")
    assert ran.rc == 0, ran.stdout
    assert ran.stderr == ""
    # A box without a meter has an open issue, and every part of it answers all the same.
    ends = {"OK", "Every part answers; the open issues are above."}
    assert ran.stdout.splitlines()[-1] in ends
    seen = status(pi)
    assert seen["ok"] is True and seen["problems"] == []
    assert seen["site"] == site["hems_site_name"]
    assert {service["name"] for service in seen["services"]} >= {
        "MQTT broker",
        "InfluxDB",
        "Home Assistant",
        "Door",
    }
    assert all(service["ok"] for service in seen["services"])
    assert {entry["port"] for entry in seen["certificates"]} == {
        site["hems_port_https"],
        site["hems_port_mqtts"],
    }
    assert all(entry["days_left"] > 7 for entry in seen["certificates"])
    assert seen["lock"] is None


def test_everybody_may_ask_how_the_box_is(pi: Any) -> None:
    ran = pi.run(f"runuser -u nobody -- {LAUNCHER} status --json")
    assert ran.rc == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["ok"] is True


def test_asking_gets_nobody_banned_and_alarms_nobody(pi: Any, site: dict[str, Any]) -> None:
    begin = pi.check_output("date +%s.%N")
    pi.check_output(f"for turn in $(seq 12); do {LAUNCHER} status >/dev/null || exit 1; done")
    assert not pi.file(f"{site['hems_path_home_assistant_config']}/ip_bans.yaml").exists
    units = ["home-assistant", "influxdb", "mosquitto", "nginx", "hass-configurator"]
    chosen = " ".join(f"--unit={unit}" for unit in units)
    journal = pi.check_output(f"journalctl --since=@{begin} --output=cat --no-pager {chosen}")
    alarming = [
        line for line in journal.splitlines() if re.search("error|warning|denied", line, re.I)
    ]
    assert alarming == []


def test_the_owners_log_ins_are_roots(
    pi: Any, site: dict[str, Any], secret: Callable[[str], str]
) -> None:
    refused = pi.run(f"runuser -u nobody -- {LAUNCHER} passwords")
    assert (refused.rc, refused.stdout) == (1, "")
    assert refused.stderr == "hems: Only root may read the passwords: type 'sudo hems passwords'.\n"
    shown = pi.run(f"{LAUNCHER} passwords")
    assert (shown.rc, shown.stderr) == (0, "")
    names = ["owner_password", "door_password", "influxdb_password"]
    names += [f"mqtt_{device}" for device in site["hems_mqtt_devices"]]
    rows = shown.stdout.splitlines()[1 : len(names) + 1]
    assert [row.split()[-1] for row in rows] == [secret(name) for name in names]


@pytest.mark.parametrize("arguments", ["", "stauts", "status --all"])
def test_a_wrong_command_line_is_answered_in_one_line(pi: Any, arguments: str) -> None:
    ran = pi.run(f"{LAUNCHER} {arguments}")
    assert (ran.rc, ran.stdout) == (2, "")
    assert ran.stderr.startswith("hems: ") and ran.stderr.count("\n") == 1


def test_the_version_is_the_installed_release(pi: Any, site: dict[str, Any]) -> None:
    current = pi.file(f"{site['hems_path_opt']}/current").linked_to
    version = pi.check_output(f"{LAUNCHER} --version")
    assert version == f"hems {current.rsplit('/', 1)[-1]}"


@pytest.mark.journal("hass-configurator")
def test_a_part_that_is_down_is_named(pi: Any) -> None:
    unit = "hass-configurator.service"
    pi.check_output(f"systemctl stop {unit}")
    try:
        ran = pi.run(f"{LAUNCHER} status")
        assert ran.rc == 1
        sentence = f"NOT OK: File editor is inactive (dead): 'journalctl -u {unit}' says why."
        assert ran.stdout.splitlines()[-1] == sentence
    finally:
        pi.check_output(f"systemctl start {unit}")


def test_a_part_that_hangs_is_named_and_not_waited_for(pi: Any) -> None:
    pi.check_output("systemctl kill --signal=STOP mosquitto.service")
    try:
        begin = time.monotonic()
        seen = status(pi)
        assert time.monotonic() - begin < 15
    finally:
        pi.check_output("systemctl kill --signal=CONT mosquitto.service")
    assert any(
        problem.startswith("MQTT broker does not answer: timed out") for problem in seen["problems"]
    )


def test_the_lock_names_who_holds_it(pi: Any, site: dict[str, Any], run_module: Any) -> None:
    lock = {"path": site["hems_path_lock"]}
    assert "msg" not in run_module("appliance_lock", lock | {"work": "rehearsal"})
    try:
        seen = status(pi)
        assert seen["ok"] is True, "work under the lock is no fault"
        assert seen["lock"]["work"] == "rehearsal"
        python = f"{site['hems_path_opt']}/current/bin/python"
        program = (
            "import pathlib\n"
            "from hems.lock import appliance_lock\n"
            f"with appliance_lock(pathlib.Path('{lock['path']}'), 'backup'): print('two hold it')\n"
        )
        refused = pi.run("%s -I -c %s", python, program)
        assert "The appliance's lock is held by the rehearsal" in refused.stderr
        assert refused.stdout == ""
    finally:
        run_module("appliance_lock", lock | {"state": "free"})
    assert status(pi)["lock"] is None


def test_settings_that_were_edited_wrongly_are_named(pi: Any, site: dict[str, Any]) -> None:
    file = f"{site['hems_path_etc']}/hems.toml"
    pi.check_output(f"cp --preserve {file} /run/hems.toml && echo 'ring = 1' >> {file}")
    try:
        ran = pi.run(f"{LAUNCHER} status")
        assert (ran.rc, ran.stdout) == (1, "")
        assert ran.stderr == f"hems: {file}: unknown key 'home_assistant.ring'.\n"
    finally:
        pi.check_output(f"mv /run/hems.toml {file}")
