"""A unit restarts when its files are newer than its process, however the play before ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.modules import load_module

module = load_module("playbooks/library/unit_current.py")

OFFSET = 1_000_000.0  # wall clock less monotonic clock, seconds


def unit(state: str = "active", started: float = 100, changed: float = 100) -> dict[str, str]:
    """What systemctl says of a unit; times in monotonic seconds."""
    return {
        "ActiveState": state,
        "ExecMainStartTimestampMonotonic": str(int(started * 1e6)),
        "ActiveEnterTimestampMonotonic": str(int(started * 1e6)),
        "StateChangeTimestampMonotonic": str(int(changed * 1e6)),
        "LoadState": "loaded",
        "UnitFileState": "enabled",
    }


@pytest.mark.parametrize(
    ("files", "reload_files", "expected"),
    [
        (OFFSET + 50, OFFSET + 50, []),
        (OFFSET + 101, OFFSET + 50, ["restart"]),
        (OFFSET + 50, OFFSET + 101, ["reload"]),
        (OFFSET + 101, OFFSET + 101, ["restart"]),
        (0.0, 0.0, []),
    ],
)
def test_newer_files_decide(files: float, reload_files: float, expected: list[str]) -> None:
    assert module.to_run(unit(), files, reload_files, OFFSET) == expected


def test_a_reload_counts_for_what_it_reads() -> None:
    assert module.to_run(unit(changed=110), OFFSET + 50, OFFSET + 105, OFFSET) == []
    assert module.to_run(unit(changed=110), OFFSET + 105, OFFSET + 50, OFFSET) == ["restart"]


@pytest.mark.parametrize("state", ["inactive", "activating"])
def test_a_unit_that_does_not_run_is_started(state: str) -> None:
    assert module.to_run(unit(state), 0.0, 0.0, OFFSET) == ["start"]


def test_a_unit_that_gave_up_may_try_again() -> None:
    assert module.to_run(unit("failed"), 0.0, 0.0, OFFSET) == ["reset-failed", "start"]


def test_a_disabled_unit_is_enabled() -> None:
    disabled = unit() | {"UnitFileState": "disabled"}
    assert module.to_run(disabled, 0.0, 0.0, OFFSET) == ["enable"]


def test_a_unit_without_a_process_counts_from_when_it_was_entered() -> None:
    timer = unit() | {"ExecMainStartTimestampMonotonic": "0"}
    assert module.to_run(timer, OFFSET + 50, 0.0, OFFSET) == []
    assert module.to_run(timer, OFFSET + 101, 0.0, OFFSET) == ["restart"]


@pytest.mark.parametrize(
    ("seen", "verbs"),
    [
        (unit(), ["disable", "stop"]),
        (unit("failed"), ["disable", "stop"]),
        (unit("inactive") | {"UnitFileState": "disabled"}, []),
        ({"LoadState": "not-found"}, []),
    ],
)
def test_a_unit_is_taken_out_of_service(seen: dict[str, str], verbs: list[str]) -> None:
    assert module.to_stop(seen) == verbs


def test_newest_change_looks_below_directories_and_behind_links(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    old = module.newest_change([str(tmp_path / "etc")])
    (tmp_path / "real").write_text("x")
    os.symlink(tmp_path / "real", tmp_path / "etc" / "link")
    assert module.newest_change([str(tmp_path / "etc")]) >= old
    assert (
        module.newest_change([str(tmp_path / "etc" / "link")])
        >= (tmp_path / "real").stat().st_ctime
    )
    assert module.newest_change([str(tmp_path / "none")]) == 0.0
