"""The watchdog starts with whatever is there, and names what is missing or broken."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from hems.health import store
from hems.process import Surroundings
from hems.settings import APPLIANCE_FILE, SettingsError
from hems.watchdog import daemon, startup
from hems.watchdog.watchdog_settings import FILE

from tests.unit.appliance_settings import GOOD
from tests.unit.watchdog_settings import TEXT

BROKEN = ["", "[site\n", "\x00\x00", "unknown = 1\n"]


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """/etc/hems with good settings."""
    directory = tmp_path / "etc"
    directory.mkdir()
    (directory / APPLIANCE_FILE).write_text(GOOD)
    (directory / FILE).write_text(TEXT)
    return directory


@pytest.mark.parametrize("name", [APPLIANCE_FILE, FILE])
@pytest.mark.parametrize("text", [None, *BROKEN])
def test_settings_that_cannot_be_used_are_those_of_before(
    etc: Path, tmp_path: Path, name: str, text: str | None
) -> None:
    kept = tmp_path / "state" / "settings"
    kept.parent.mkdir()
    good = startup.load(etc, kept)
    assert not good.kept and startup.problems(etc) == ()
    if text is None:
        (etc / name).unlink()
    else:
        (etc / name).write_text(text)
    found = startup.load(etc, kept)
    assert found.kept and (found.appliance, found.options) == (good.appliance, good.options)
    (problem,) = startup.problems(etc)
    assert name in problem


@pytest.mark.parametrize("text", BROKEN)
def test_without_a_good_copy_the_files_own_fault_is_told(
    etc: Path, tmp_path: Path, text: str
) -> None:
    (etc / FILE).write_text(text)
    with pytest.raises(SettingsError, match=FILE):
        startup.load(etc, tmp_path / "settings")


def test_a_directory_that_takes_no_copy_stops_nothing(etc: Path, tmp_path: Path) -> None:
    assert not startup.load(etc, tmp_path / "gone" / "settings").kept


def test_a_copy_that_is_current_is_not_written_again(etc: Path, tmp_path: Path) -> None:
    kept = tmp_path / "settings"
    startup.load(etc, kept)
    before = (kept / FILE).stat().st_ino
    startup.load(etc, kept)
    assert (kept / FILE).stat().st_ino == before
    (etc / FILE).write_text(TEXT.replace("look = 30", "look = 31"))
    startup.load(etc, kept)
    assert "look = 31" in (kept / FILE).read_text()


def test_credentials_come_from_systemd_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    for name in startup.CREDENTIALS:
        (tmp_path / name).write_text(f"{name}!\n")
    secrets = startup.read_secrets(Surroundings({"CREDENTIALS_DIRECTORY": str(tmp_path)}))
    assert secrets.mqtt == "mqtt_hems!" and "!" not in repr(secrets)
    (tmp_path / "mqtt_hems").unlink()
    (tmp_path / "home_assistant_token").write_text("\n")  # the unit's default
    secrets = startup.read_secrets(Surroundings({"CREDENTIALS_DIRECTORY": str(tmp_path)}))
    assert (secrets.mqtt, secrets.home_assistant) == ("", "")
    assert secrets.influxdb == "influxdb_token_hems!"
    assert startup.read_secrets(Surroundings({})).mqtt == ""


def test_without_any_settings_it_waits_and_says_so(
    etc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (etc / APPLIANCE_FILE).write_text("x")
    monkeypatch.setattr(daemon, "WAIT_SECONDS", 0.05)
    ended = threading.Event()
    found: list[startup.Start | None] = []
    waiting = threading.Thread(
        target=lambda: found.append(daemon._start(etc, tmp_path, tmp_path, ended))
    )
    waiting.start()
    try:
        report = tmp_path / store.FILE
        while not report.exists():
            assert waiting.is_alive()
        (entry,) = json.loads(report.read_text())["issues"]
        assert entry["code"] == "settings_broken" and APPLIANCE_FILE in entry["detail"]
        (etc / APPLIANCE_FILE).write_text(GOOD)
        waiting.join(10)
    finally:
        ended.set()
        waiting.join(10)
    assert found[0] is not None and not found[0].kept
