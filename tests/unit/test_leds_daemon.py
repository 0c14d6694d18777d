"""The daemon: rounds, journal, leds.json, and an end in the dark."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hems.health import store
from hems.health.catalogue import Issue
from hems.leds import daemon as module
from hems.leds.core import PAUSE_SECONDS, ROUND_SECONDS, Light
from hems.leds.daemon import Daemon, blink_number
from hems.leds.led_settings import LedSettings, PinTable
from hems.leds.pins import Level
from hems.leds.uplink import Uplink
from hems.settings import Appliance, parse

from tests.unit.appliance_settings import GOOD
from tests.unit.service_entries import kind

ERROR = "2026-11-22 07:15:01.123 ERROR (MainThread) [homeassistant.components.mqtt] gone\n"
WARNING = "2026-11-22 07:15:02.123 WARNING (MainThread) [homeassistant.setup] slow\n"


class Lamps:
    """The LEDs, without pins."""

    pins = "mock"

    def __init__(self) -> None:
        self.light = Light()

    def show(self, light: Light) -> None:
        self.light = light

    def levels(self) -> dict[str, Level]:
        return {"error": Level(22, self.light.error, self.light.error)}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def lamps() -> Lamps:
    return Lamps()


@pytest.fixture
def begin(run: Path, lamps: Lamps, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Daemon]:
    monkeypatch.setattr(module.systemd, "feed_watchdog", lambda: fed.append(1))
    monkeypatch.setattr(module, "Uplink", lambda targets: Uplink(targets, _refused))
    appliance = parse(GOOD.replace("/run/hems", str(run)), Appliance, "hems.toml")
    mine = LedSettings(PinTable(17, 27, 22), True, "mock", run / "home-assistant.log")
    fed.clear()
    pretended: Any = lamps
    return lambda now: Daemon(appliance, mine, pretended, run / "leds.json", now)


fed: list[int] = []


def _refused() -> socket.socket:
    raise PermissionError(13, "Permission denied")


def shown(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "leds.json").read_text())
    return content


def report(run: Path, now: float, *codes: str) -> None:
    issues = [Issue(kind(code), detail="seen by a test") for code in codes]
    store.write(run / store.FILE, issues, now, "2026-11-22T07:15:00Z")


def test_a_round_every_two_seconds_and_the_watchdog_fed_in_each(
    begin: Callable[[float], Daemon],
) -> None:
    daemon = begin(100)
    now = 100.0
    for _ in range(10):
        wait = daemon.turn(now)
        assert 0 < wait <= ROUND_SECONDS
        now += wait
    assert len(fed) == 10
    assert now == pytest.approx(100 + 10 * ROUND_SECONDS)


def test_a_suspended_box_does_not_catch_up(begin: Callable[[float], Daemon]) -> None:
    daemon = begin(100)
    daemon.turn(100)
    daemon.turn(100_000)
    assert daemon.turn(100_000.1) > 0.5
    assert len(fed) == 2


def test_an_error_in_the_log_is_shown_and_said_once(
    begin: Callable[[float], Daemon], run: Path, lamps: Lamps, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon, log = begin(0), run / "home-assistant.log"
    daemon.turn(0)
    assert not lamps.light.error
    log.write_text(ERROR)
    for now in (2.0, 4.0, 6.0):
        daemon.turn(now)
        assert lamps.light.error and shown(run)["leds"]["error"] == {
            "pin": 22,
            "high": True,
            "lit": True,
        }
    log.write_text(WARNING)
    daemon.turn(8)
    assert not lamps.light.error
    said = capsys.readouterr().err.splitlines()
    assert said.count("Home Assistant's log has an error.") == 1
    assert said.count("Home Assistant's log has no new error.") == 1


def test_the_file_is_written_when_something_changes(
    begin: Callable[[float], Daemon], run: Path
) -> None:
    daemon = begin(0)
    daemon.turn(0)
    before = shown(run)
    assert before["running"] is True and before["pins"] == "mock"
    daemon.turn(2)
    assert shown(run) == before


def test_the_most_severe_issue_blinks(
    begin: Callable[[float], Daemon], run: Path, lamps: Lamps
) -> None:
    daemon = begin(0)
    report(run, 0, "disk_filling", "influxdb_down")
    wait = daemon.turn(0)
    assert shown(run)["blink"] == 3
    now = 0.0
    while now < PAUSE_SECONDS - 1e-6:
        assert not lamps.light.error
        now += wait
        wait = daemon.turn(now)
    assert lamps.light.error and wait == pytest.approx(0.3, abs=0.01)
    report(run, 3)
    daemon.turn(4)
    assert shown(run)["blink"] == 0 and not lamps.light.error


def test_real_pins_are_not_written_down_at_each_flash(
    begin: Callable[[float], Daemon], run: Path, lamps: Lamps
) -> None:
    lamps.pins = "lgpio, gpiochip0 (pinctrl-rp1)"
    report(run, 0, "influxdb_down")
    daemon, now = begin(0), 0.0
    now += daemon.turn(0)
    before = shown(run)
    lights = []
    while now < 10:
        now += daemon.turn(now)
        lights.append(lamps.light.error)
    assert any(lights) and not all(lights)
    assert shown(run) == before and before["blink"] == 3


def test_a_silent_watchdog_is_given_time_to_start(tmp_path: Path) -> None:
    nothing = store.read(tmp_path / store.FILE, 0)
    assert blink_number(nothing, 0) == 0
    assert blink_number(nothing, store.STALE_SECONDS) == 9
    report(tmp_path, 0, "no_internet")
    assert blink_number(store.read(tmp_path / store.FILE, 1), 1) == 1
    report(tmp_path, 0)
    assert blink_number(store.read(tmp_path / store.FILE, 1), 1000) == 0


def test_what_can_not_be_read_or_sent_is_said_once_with_its_cure(
    begin: Callable[[float], Daemon], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "home-assistant.log").mkdir()
    daemon = begin(0)
    for now in (0, 2, 4):
        daemon.turn(now)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "Home Assistant's log can't be read (not a file): run the playbook.",
        "No echo can be sent (Permission denied): net.ipv4.ping_group_range must include "
        "this service's group, run the playbook.",
    ]


def test_the_leds_matter_more_than_their_file(
    begin: Callable[[float], Daemon], run: Path, lamps: Lamps, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "leds.json").mkdir()
    daemon, log = begin(0), run / "home-assistant.log"
    daemon.turn(0)
    log.write_text(ERROR)
    daemon.turn(2)
    daemon.turn(4)
    assert lamps.light.error
    said = f"{run}/leds.json can't be written (Is a directory): make room there."
    assert capsys.readouterr().err.splitlines().count(said) == 1
    (run / "leds.json").rmdir()
    daemon.turn(6)
    assert shown(run)["leds"]["error"]["lit"] is True
    daemon.close(7)


def test_the_end_is_dark(begin: Callable[[float], Daemon], run: Path, lamps: Lamps) -> None:
    daemon = begin(0)
    daemon.turn(0)
    (run / "home-assistant.log").write_text(ERROR)
    daemon.turn(2)
    assert lamps.light.error
    daemon.close(3)
    assert lamps.light == Light()
    assert shown(run)["running"] is False
    assert shown(run)["leds"]["error"]["lit"] is False
