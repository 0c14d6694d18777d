"""What a box does while nobody has told it the time, and when somebody does."""

from __future__ import annotations

import json
import os
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
    for name in ("STAMP", "CONTAINER", "STATE", "WAITED", "MARK", "STEPS"):
        monkeypatch.setattr(clock, name, tmp_path / name)
    (tmp_path / "STEPS").mkdir()
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


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the clock by so many seconds; monotonic time goes on."""
    real = time.time
    ahead = [0.0]
    monkeypatch.setattr(clock.time, "time", lambda: real() + ahead[0])

    def by(seconds: float) -> None:
        ahead[0] += seconds

    return by


def tell(box: Path) -> None:
    """Have a time server tell the time as it is now."""
    (box / "STAMP").touch()
    os.utime(box / "STAMP", (clock.time.time(),) * 2)


def noted(box: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((box / "STEPS").glob("*.json"))]


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


def test_a_step_that_a_time_server_confirms_is_noted_and_home_assistant_started_anew(
    box: Path, systemctl: list[str], set_clock: Any, capsys: Any
) -> None:
    wrong = time.time()
    (box / "MARK").write_text(json.dumps({"offset": clock.offset(), "newest": 17}))
    clock.look(None)
    assert systemctl == [], "the first look knows nothing to compare with"
    set_clock(OUTAGE)
    tell(box)
    clock.look(None)
    assert systemctl == ["show", "try-restart", "start"]
    said = capsys.readouterr().err
    assert "set by +208800 s" in said
    assert "208800 s too early" in said
    (step,) = noted(box)
    assert step["by"] == pytest.approx(OUTAGE, abs=0.1)
    assert step["end"] == pytest.approx(wrong, abs=5)
    assert step["begin"] == pytest.approx(wrong - time.monotonic(), abs=5), "since the boot"
    assert step["newest"] == 17
    clock.look(None)
    assert systemctl == ["show", "try-restart", "start"], "once"


def test_what_nobody_confirms_is_not_noted_until_somebody_does(
    box: Path, systemctl: list[str], set_clock: Any
) -> None:
    """An engineer sets the clock by hand; hours later there is Internet."""
    clock.look(None)
    set_clock(OUTAGE - 100)
    clock.look(None)
    assert systemctl == ["show", "try-restart"]
    assert noted(box) == []
    set_clock(100)
    tell(box)
    clock.look(None)
    first, second = sorted(noted(box), key=lambda one: one["by"])
    assert first["by"] == pytest.approx(100, abs=0.1)
    assert second["by"] == pytest.approx(OUTAGE, abs=0.1)
    assert second["end"] + OUTAGE - 100 == pytest.approx(first["begin"], abs=0.1)


def test_a_clock_that_was_right_and_is_set_wrong_for_a_while(
    box: Path, systemctl: list[str], set_clock: Any
) -> None:
    tell(box)
    clock.look(None)
    set_clock(-OUTAGE)
    clock.look(None)
    assert noted(box) == []
    set_clock(OUTAGE)
    tell(box)
    clock.look(None)
    (step,) = noted(box)
    assert step["by"] == pytest.approx(OUTAGE, abs=0.1)
    assert step["end"] - step["begin"] < 5, "what was dated before that was right"
    assert systemctl == ["show", "try-restart"] * 2 + ["start"]


def test_an_old_word_of_a_time_server_confirms_no_step(
    box: Path, systemctl: list[str], set_clock: Any
) -> None:
    clock.look(None)
    tell(box)
    set_clock(-OUTAGE)
    clock.look(None)
    assert noted(box) == []
    assert "start" not in systemctl


def test_a_clock_that_was_right_already_was_no_wrong_one(
    box: Path, systemctl: list[str], set_clock: Any
) -> None:
    """A time server needed no step at first; when one comes later, nobody knows since when."""
    clock.look(None)
    tell(box)
    clock.look(None)
    set_clock(OUTAGE)
    tell(box)
    clock.look(None)
    assert noted(box) == []
    assert "start" not in systemctl


def test_what_a_power_cut_broke_off_is_gone_on_with(box: Path, systemctl: list[str]) -> None:
    (box / "STEPS" / "1-0.json").write_text("{}")
    clock.look(None)
    assert systemctl == ["start"]


def test_before_home_assistant_has_run_nothing_is_dated_wrong(
    box: Path, monkeypatch: pytest.MonkeyPatch, set_clock: Any
) -> None:
    never = type("Done", (), {"stdout": "0\n"})
    monkeypatch.setattr(clock.subprocess, "run", lambda *_, **__: never)
    clock.look(None)
    set_clock(OUTAGE)
    tell(box)
    clock.look(None)
    assert noted(box) == []


@pytest.mark.parametrize(
    ("offset", "newest"), [(0.0, 17), (OUTAGE, None), (None, None)], ids=["its", "other", "none"]
)
def test_the_newest_reading_is_that_of_this_clock(
    box: Path, offset: float | None, newest: int | None
) -> None:
    now = clock.offset()
    if offset is not None:
        (box / "MARK").write_text(json.dumps({"offset": now + offset, "newest": 17}))
    assert clock._newest(now) == newest


@pytest.mark.parametrize("by", [0.0, 0.4, -3.0, 59.0])
def test_what_a_time_server_does_every_day_is_no_step(by: float) -> None:
    assert clock.step(1000.0, 1000.0 + by) == 0.0


def test_what_is_dated_wrong_is_named_by_the_dates_it_has() -> None:
    monday = 1_763_935_200.0  # 2025-11-23 22:00 UTC
    step = {"begin": monday + 40, "end": monday + 240, "by": OUTAGE}
    said = clock.words(step)
    assert "2025-11-23 22:00:40 to 2025-11-23 22:04:00 UTC are dated 208800 s too early" in said
    assert "208800 s too late" in clock.words({**step, "by": -OUTAGE})


@pytest.mark.parametrize("text", ["{", "[]", '{"offset": 1}'])
def test_a_damaged_memory_is_begun_anew(box: Path, systemctl: list[str], text: str) -> None:
    (box / "STATE").write_text(text)
    clock.look(None)
    assert systemctl == []
    assert json.loads((box / "STATE").read_text())["offset"] == pytest.approx(clock.offset(), abs=5)
