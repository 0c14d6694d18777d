"""What a box does while nobody has told it the time, and when somebody does."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.modules import load_module

clock: Any = load_module("roles/base/files/hems_clock.py")
OUTAGE = 208_800.0  # s: two days and ten hours


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A box whose clock nobody has set yet, in a directory."""
    for name in ("STAMP", "CONTAINER", "STATE", "WAITED"):
        monkeypatch.setattr(clock, name, tmp_path / name)
    return tmp_path


@pytest.fixture
def systemctl(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What systemctl is told; Home Assistant came up at 40 s."""
    told: list[str] = []

    def run(command: list[str], **_: Any) -> Any:
        told.append(command[1])
        return type("Done", (), {"stdout": "40000000\n"})

    monkeypatch.setattr(clock.subprocess, "run", run)
    return told


def test_a_start_waits_for_the_time_with_a_limit_and_only_once(
    box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = time.monotonic()
    clock.wait(0.7, None)
    assert 0.7 <= time.monotonic() - begin < 5
    assert "may be wrong" in capsys.readouterr().err
    begin = time.monotonic()
    clock.wait(60, None)
    assert time.monotonic() - begin < 5, "a restart of Home Assistant waits no more"
    assert (box / "WAITED").exists()


@pytest.mark.parametrize("name", ["STAMP", "CONTAINER"])
def test_who_knows_the_time_does_not_wait(
    name: str, box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (box / name).touch()
    clock.wait(60, None)
    assert capsys.readouterr().err == ""


def test_a_step_is_told_and_home_assistant_started_anew(
    box: Path, systemctl: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    clock.look()
    assert systemctl == [], "the first look knows nothing to compare with"
    known = clock.offset()
    monkeypatch.setattr(clock, "offset", lambda: known + OUTAGE)
    clock.look()
    assert systemctl == ["show", "try-restart"]
    assert "set by +208800 s" in capsys.readouterr().err
    clock.look()
    assert systemctl == ["show", "try-restart"], "once"
    assert json.loads((box / "STATE").read_text())["offset"] == known + OUTAGE


@pytest.mark.parametrize("by", [0.0, 0.4, -3.0, 59.0])
def test_what_a_time_server_does_every_day_is_no_step(by: float) -> None:
    assert clock.step(1000.0, 1000.0 + by) == 0.0


def test_what_is_dated_wrong_is_named_by_the_dates_it_has() -> None:
    monday = 1_763_935_200.0  # 2025-11-23 22:00 UTC
    said = clock.words(OUTAGE, 40.0, 240.0, monday)
    assert "2025-11-23 22:00:40 to 2025-11-23 22:04:00 UTC are dated" in said
    assert "too early" in said
    assert "too late" in clock.words(-OUTAGE, 40.0, 240.0, monday)


def test_a_damaged_memory_is_begun_anew(box: Path, systemctl: list[str]) -> None:
    (box / "STATE").write_text("{")
    clock.look()
    assert systemctl == []
    assert json.loads((box / "STATE").read_text())["offset"] == pytest.approx(clock.offset(), abs=5)
