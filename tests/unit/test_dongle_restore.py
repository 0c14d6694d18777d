"""A restore stops Home Assistant, keeps what the dongle held, and starts it again in every case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hems import HemsError, lock
from hems.lock import LockedError, appliance_lock, held_or_taken
from hems.settings import Appliance, parse
from hems.zigbee import adopted, radio, restore
from hems.zigbee.dongle import NoDongleError
from hems.zigbee.entry import Entry
from hems.zigbee.radio import Radio, RadioError, RefusedError

from tests.unit.appliance_settings import GOOD, settled_in

DEVICE = Path("/dev/serial/by-id/usb-ITEAD_SONOFF_Zigbee_3.0_USB_Dongle_Plus_V2_2-if00")
SETTINGS = {"path": str(DEVICE), "baudrate": 115200, "flow_control": None}
BACKUP: dict[str, Any] = {"metadata": {}, "network_key": {}}


class House:
    """What happened, in its order."""

    def __init__(self, directory: Path) -> None:
        self.done: list[str] = []
        self.said: list[str] = []
        self.before: dict[str, Any] | None = {"metadata": {}, "of": "somebody else"}
        self.fails: Exception | None = None
        self.entry: Entry | None = Entry("e", "loaded", "")
        self.file = directory / "backup.json"
        self.file.write_text(json.dumps(BACKUP))
        (directory / ".storage").mkdir()
        self.store = directory / ".storage/core.config_entries"
        self.set_entries({"domain": "zha", "data": {"device": {"path": "/dev/old"}}})

    def set_entries(self, *entries: dict[str, Any]) -> None:
        self.store.write_text(json.dumps({"data": {"entries": list(entries)}}))

    def read(self, _device: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
        self.done.append("read")
        return SETTINGS, self.before

    def convert(self, backup: dict[str, Any]) -> dict[str, Any]:
        if "network_key" not in backup:
            raise RefusedError("KeyError")
        return backup

    def write(self, _settings: dict[str, Any], backup: dict[str, Any]) -> dict[str, Any]:
        assert backup == BACKUP
        self.done.append("write")
        if self.fails:
            raise self.fails
        return backup


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    made = House(tmp_path)
    monkeypatch.setattr(restore, "Radio", lambda _paths: made)
    monkeypatch.setattr(restore.systemd, "stop", lambda unit: made.done.append(f"stop {unit}"))
    monkeypatch.setattr(restore.systemd, "start", lambda unit: made.done.append(f"start {unit}"))
    monkeypatch.setattr(restore, "access_of", lambda _appliance: None)
    monkeypatch.setattr(restore, "wait_running", lambda _access, _seconds: None)
    monkeypatch.setattr(restore.entries, "find", lambda _access: made.entry)
    monkeypatch.setattr(restore.dongle, "plugged", lambda _wanted: [DEVICE])
    monkeypatch.setattr(restore.entries, "LOAD_SECONDS", 0.0)
    return made


@pytest.fixture
def box(tmp_path: Path) -> Appliance:
    text = settled_in(tmp_path).replace(
        f'zigbee_backups = "{tmp_path}"', f'zigbee_backups = "{tmp_path}/zigbee"'
    )
    return parse(text, Appliance, "hems.toml")


UNIT = "home-assistant.service"
WHOLE = [f"stop {UNIT}", "read", "write", f"start {UNIT}"]


def test_half_a_backup_is_refused_before_home_assistant_is_stopped(
    box: Appliance, house: House
) -> None:
    house.file.write_text('{"metadata": {}}')
    with pytest.raises(HemsError, match="is not a backup of a Zigbee network"):
        restore.restore(box, house.file, "", house.said.append)
    assert house.done == []


def test_a_replacement_gets_the_network_and_its_own_is_kept(box: Appliance, house: House) -> None:
    restore.restore(box, house.file, "", house.said.append)
    assert house.done == WHOLE
    (kept,) = box.paths.zigbee_backups.glob("*.json")
    assert json.loads(kept.read_text()) == house.before
    (entry,) = json.loads(house.store.read_text())["data"]["entries"]
    assert entry["data"]["device"] == SETTINGS
    assert adopted.load(box.paths.root_run).device == str(DEVICE)
    assert house.said[-1].endswith("Zigbee is running in Home Assistant.")
    assert lock.holder(box.paths.lock) is None


def test_a_blank_dongle_has_nothing_to_keep(box: Appliance, house: House) -> None:
    house.before = None
    restore.restore(box, house.file, "", house.said.append)
    assert not box.paths.zigbee_backups.exists()


@pytest.mark.parametrize("error", [RadioError("The dongle does not do it."), SystemExit(143)])
def test_home_assistant_runs_again_after_a_failure(
    box: Appliance, house: House, error: Exception
) -> None:
    house.fails = error
    with pytest.raises(type(error)):
        restore.restore(box, house.file, "", house.said.append)
    assert house.done == WHOLE
    assert '"/dev/old"' in house.store.read_text()


def test_zigbee_that_does_not_come_back_is_said(box: Appliance, house: House) -> None:
    house.entry = Entry("e", "setup_retry", "no answer")
    with pytest.raises(HemsError, match=r"Zigbee is setup_retry \(no answer\)"):
        restore.restore(box, house.file, "", house.said.append)


def test_a_box_without_an_entry_adopts_what_it_restored(
    box: Appliance, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.set_entries()
    house.entry = None

    def adopted(_appliance: Appliance, _say: restore.Say) -> None:
        house.entry = Entry("e", "loaded", "")

    monkeypatch.setattr(restore.adopt, "adopt", adopted)
    restore.restore(box, house.file, "", house.said.append)


def test_nothing_is_stopped_for_what_can_t_be_done(box: Appliance, house: House) -> None:
    with pytest.raises(NoDongleError):
        restore.restore(box, house.file, "/dev/other", house.said.append)
    with pytest.raises(HemsError, match="can't be read"):
        restore.restore(box, Path("/nowhere.json"), "", house.said.append)
    with appliance_lock(box.paths.lock, "converge"), pytest.raises(LockedError, match="converge"):
        restore.restore(box, house.file, "", house.said.append)
    assert house.done == []


def test_work_inside_another_needs_that_other(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    inside = held_or_taken(path, "backup", "converge")
    with pytest.raises(HemsError, match=r"No converge holds .*'--inside'"), inside:
        pass
    with appliance_lock(path, "converge"), held_or_taken(path, "backup", "converge") as holder:
        assert holder.work == "converge"
    inside = held_or_taken(path, "backup", "converge")
    with appliance_lock(path, "update"), pytest.raises(HemsError, match="No converge"), inside:
        pass
    with held_or_taken(path, "backup", "") as holder:
        assert holder.work == "backup"


@pytest.fixture
def zigpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Radio, Path]:
    """A Radio whose Python is a shell script of the test's own."""
    python = tmp_path / "current/bin/python"
    python.parent.mkdir(parents=True)
    text = GOOD.replace('root = "/opt/home-assistant"', f'root = "{tmp_path}"')
    user = radio.pwd.getpwuid(radio.os.getuid()).pw_name
    paths = parse(text.replace('"homeassistant"', f'"{user}"'), Appliance, "x").home_assistant
    real = radio.subprocess.run

    def run(*arguments: Any, **named: Any) -> Any:
        for name in ("user", "group", "extra_groups"):  # only root may change them
            named.pop(name)
        return real(*arguments, **named)

    monkeypatch.setattr(radio.subprocess, "run", run)
    return Radio(paths), python


def script(python: Path, text: str) -> None:
    python.write_text(f"#!/bin/sh\n{text}\n")
    python.chmod(0o755)


def test_keys_go_by_pipes_alone(zigpy: tuple[Radio, Path], tmp_path: Path) -> None:
    asked, python = zigpy
    script(
        python, f'echo "$@" > {tmp_path}/argv; cat > {tmp_path}/stdin; echo \'{{"backup": {{}}}}\''
    )
    asked.write(SETTINGS, {"key": "00112233"})
    assert "00112233" not in (tmp_path / "argv").read_text()
    assert json.loads((tmp_path / "stdin").read_text())["backup"] == {"key": "00112233"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('echo \'{"error": "no answer"}\'', "failed: no answer;"),
        ("echo secret >&2; exit 3", "(exit code 3): run the whole playbook."),
        ("echo nonsense", "run the whole playbook."),
    ],
)
def test_what_goes_wrong_is_one_sentence_without_secrets(
    zigpy: tuple[Radio, Path], text: str, said: str
) -> None:
    asked, python = zigpy
    script(python, f"cat >/dev/null; {text}")
    with pytest.raises(RadioError) as caught:
        asked.read(DEVICE)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_no_python_is_said_too(zigpy: tuple[Radio, Path]) -> None:
    with pytest.raises(RadioError, match="run the whole playbook"):
        zigpy[0].convert({})
