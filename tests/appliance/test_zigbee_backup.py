"""The dongle's network is backed up, shown without its key, and put on another dongle."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.appliance.dongle_box import DONGLE, HOME_ASSISTANT, is_loaded
from tests.appliance.home_assistant_client import (
    Converge,
    HomeAssistant,
    this_pi,
    wait_until,
)
from tests.appliance.zigbee_box import Device, Sensor, zigbee_state
from tests.virtual.zigbee import on_pi

pytest_plugins = [
    "tests.appliance.dongle_box",
    "tests.appliance.home_assistant_fixtures",
    "tests.appliance.influxdb_fixtures",
    "tests.appliance.zigbee_box",
]
pytestmark = [pytest.mark.journal(DONGLE, HOME_ASSISTANT), pytest.mark.usefixtures("mended")]

OTHER_SERIAL = "20240122184111"


def key_of(pi: Any, file: str) -> str:
    content = json.loads(pi.check_output("cat %s", file))
    assert content["metadata"]["format"] == "zigpy/open-coordinator-backup"
    return str(content["network_key"]["key"])


def backup(pi: Any) -> str:
    """Make a backup and return its file."""
    return str(pi.check_output("hems zigbee backup")).split()[0]


def test_a_backup_is_roots_alone_and_info_shows_no_key(pi: Any, site: dict[str, Any]) -> None:
    file = backup(pi)
    assert file.startswith(f"{site['hems_path_zigbee_backups']}/")
    seen = pi.file(file)
    assert (seen.user, seen.group, seen.mode) == ("root", "root", 0o600)
    assert pi.file(site["hems_path_zigbee_backups"]).mode == 0o700
    key = key_of(pi, file)
    assert re.fullmatch("[0-9a-f]{32}", key)
    info = pi.check_output("hems zigbee info")
    assert file in info
    everything = info + pi.check_output("hems zigbee devices; journalctl -b --no-pager")
    assert key not in everything
    assert ":".join(re.findall("..", key)) not in everything


def test_pairing_tells_no_key_to_the_log(
    pi: Any, home_assistant: HomeAssistant, site: dict[str, Any]
) -> None:
    key = key_of(pi, backup(pi))
    log = pi.file(site["hems_path_home_assistant_log"])
    loud = "[bellows.zigbee.application]"  # heard in a loud log only
    before = log.content_string.count(loud)
    with home_assistant.connection(home_assistant.token) as pairing:
        try:
            pairing.call("zha/devices/permit", duration=30)
            on_pi.tell(this_pi(), ["ash-error"])  # it is set up anew
            wait_until(lambda: zigbee_state(home_assistant) != "loaded", 60, "ZHA is set up anew")
            is_loaded(home_assistant)
            pairing.call("zha/devices/permit", duration=30)
            backup(pi)
        finally:
            # Else what is to be paired next is in before anybody watches it join.
            home_assistant.service("zha", "permit", duration=0)
    text = log.content_string.lower()
    assert text.count(loud) > before
    pairs = re.findall("..", key)
    told = [key, ":".join(pairs), r"\x".join(pairs), ", ".join(str(int(one, 16)) for one in pairs)]
    assert [form for form in told if form in text] == []


def test_others_than_root_are_told_so(pi: Any) -> None:
    for command in ("info", "devices", "backup", "adopt"):
        ran = pi.run("runuser -u nobody -- hems zigbee %s", command)
        assert ran.rc == 1, command
        assert "sudo" in ran.stderr, command
        assert ran.stderr.count("\n") == 1, command


def test_with_home_assistant_stopped_the_dongle_is_asked_itself(
    pi: Any, meter: Device, home_assistant: HomeAssistant
) -> None:
    assert meter.joined
    through_it = pi.check_output("hems zigbee info").splitlines()
    pi.check_output("systemctl stop %s", HOME_ASSISTANT)
    try:
        without_it = pi.check_output("hems zigbee info").splitlines()
        devices = pi.check_output("hems zigbee devices")
        file = backup(pi)
    finally:
        pi.check_output("systemctl start %s", HOME_ASSISTANT)
    shown = ("Dongle", "Path", "Address", "Network", "Channel")
    assert [line for line in without_it if line.startswith(shown)] == [
        line for line in through_it if line.startswith(shown)
    ]
    assert "EMIZB-141" in devices
    home_assistant.wait_until_ready()
    assert key_of(pi, file)


@contextmanager
def lock_held(
    run_module: Callable[[str, dict[str, Any]], dict[str, Any]], site: dict[str, Any]
) -> Generator[None]:
    """Hold the appliance's lock as a converge does."""
    lock = {"path": site["hems_path_lock"], "work": "converge"}
    run_module("appliance_lock", lock)
    try:
        yield
    finally:
        run_module("appliance_lock", {**lock, "state": "free"})


def test_the_lock_is_respected(
    pi: Any, site: dict[str, Any], run_module: Callable[[str, dict[str, Any]], dict[str, Any]]
) -> None:
    file = backup(pi)
    with lock_held(run_module, site):
        for command in ("backup", f"restore {file}"):
            ran = pi.run(f"hems zigbee {command}")
            assert (ran.rc, "held by the converge" in ran.stderr) == (1, True), command
        pi.check_output("hems zigbee info")
        pi.check_output("hems zigbee backup --inside converge")
    ran = pi.run("hems zigbee backup --inside converge")
    assert (ran.rc, "No converge holds" in ran.stderr) == (1, True)
    assert pi.service(HOME_ASSISTANT).is_running


def test_home_assistant_runs_again_after_a_restore_that_failed(
    pi: Any, home_assistant: HomeAssistant
) -> None:
    file = backup(pi)
    on_pi.tell(this_pi(), ["deaf", "1000000"])
    ran = pi.run("hems zigbee restore %s", file)
    assert ran.rc == 1
    assert "does not answer as a Zigbee dongle" in ran.stderr
    assert pi.service(HOME_ASSISTANT).is_running
    on_pi.tell(this_pi(), ["mend"])
    home_assistant.wait_until_ready()


@contextmanager
def other_dongle(pi: Any) -> Generator[None]:
    """Let the simulated dongle have another serial number, so another path."""
    unit = f"/etc/systemd/system/{on_pi.UNIT}"
    command = re.search(r"^ExecStart=(.*)$", pi.file(unit).content_string, re.MULTILINE)
    assert command
    drop_in = f"[Service]\nExecStart=\nExecStart={command[1]} --serial {OTHER_SERIAL}\n"
    answers = f"until test -S {on_pi.STATE}/control.sock; do sleep 0.2; done"
    restart = f"systemctl daemon-reload && systemctl restart {on_pi.UNIT} && {answers}"
    pi.check_output(f"mkdir -p {unit}.d && printf %b {drop_in!r} > {unit}.d/serial.conf; {restart}")
    try:
        yield
    finally:
        pi.check_output(f"rm -r {unit}.d; {restart}")


def rights(pi: Any, file: str) -> tuple[str, str, int]:
    seen = pi.file(file)
    return seen.user, seen.group, seen.mode


@pytest.mark.parametrize("kind", ["blank", "foreign"])
def test_a_replacement_gets_the_network_and_the_meter_goes_on(
    pi: Any, meter: Device, sensor: Callable[[str], Sensor], site: dict[str, Any], kind: str
) -> None:
    entries = f"{site['hems_path_home_assistant_config']}/.storage/core.config_entries"
    before = rights(pi, entries)
    file = backup(pi)
    power = sensor(site["hems_meter_power"])
    try:
        with other_dongle(pi):
            meter.tell("replace", kind)
            restored = pi.check_output("hems zigbee restore %s", file)
            assert ("is backed up in" in restored) == (kind == "foreign")
            assert OTHER_SERIAL in pi.check_output("hems zigbee info")
            meter.draw(1700)
            # The reader hears it only when its frame counter was not set back.
            power.wait_for(pytest.approx(1700, abs=2))
            assert OTHER_SERIAL in pi.check_output("hems zigbee adopt")
    finally:
        # The old one, back in its place: the same network, as it was there all the time.
        pi.check_output("hems zigbee restore %s", backup_or(pi, file))
        meter.draw("profile")
    assert rights(pi, entries) == before, "Home Assistant's own file became another's"


def backup_or(pi: Any, file: str) -> str:
    """Return the newest backup that is of the same network as ``file``."""
    key = key_of(pi, file)
    folder = file.rpartition("/")[0]
    names = pi.check_output("ls %s", folder).split()
    return next(path for name in reversed(names) if key_of(pi, path := f"{folder}/{name}") == key)


def test_an_update_takes_a_backup_first_and_only_an_update(
    pi: Any, site: dict[str, Any], converge: Converge
) -> None:
    def kept() -> list[str]:
        names: list[str] = pi.check_output("ls %s", site["hems_path_zigbee_backups"]).split()
        return names

    backup(pi)
    root = site["hems_path_home_assistant"]
    now = pi.check_output("readlink %s/current", root)
    # A venv of another name with the same content.
    older = f"cd {root} && mkdir -p 2020.1.0 && ln -sfn $PWD/{now}/* 2020.1.0/"
    older += " && ln -sfn 2020.1.0 current"
    before = kept()
    converge()
    assert kept() == before, "a backup without an update"
    pi.check_output(older)
    converge()
    assert len(set(kept()) - set(before)) == 1
    assert pi.check_output("readlink %s/current", root) == now
    # Without the lock the backup fails, and so does the update.
    before = kept()
    pi.check_output(older)
    ran = converge(check=False, locked=False)
    assert ran.returncode != 0
    assert "Home Assistant is not updated" in ran.stdout
    assert pi.check_output("readlink %s/current", root) == "2020.1.0"
    converge("-e", '{"home_assistant_update_without_zigbee_backup": true}', locked=False)
    assert pi.check_output("readlink %s/current", root) == now
    assert kept() == before
    pi.check_output("rm -rf %s/2020.1.0", root)
