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
    }


@pytest.mark.parametrize(
    ("files", "reload_files", "expected"),
    [
        (OFFSET + 50, OFFSET + 50, None),
        (OFFSET + 101, OFFSET + 50, "restarted"),
        (OFFSET + 50, OFFSET + 101, "reloaded"),
        (OFFSET + 101, OFFSET + 101, "restarted"),
        (0.0, 0.0, None),
    ],
)
def test_newer_files_decide(files: float, reload_files: float, expected: str | None) -> None:
    assert module.decide(unit(), files, reload_files, OFFSET) == expected


def test_a_reload_counts_for_what_it_reads() -> None:
    assert module.decide(unit(changed=110), OFFSET + 50, OFFSET + 105, OFFSET) is None
    assert module.decide(unit(changed=110), OFFSET + 105, OFFSET + 50, OFFSET) == "restarted"


@pytest.mark.parametrize("state", ["inactive", "failed", "activating"])
def test_a_unit_that_does_not_run_is_started(state: str) -> None:
    assert module.decide(unit(state), 0.0, 0.0, OFFSET) == "started"


def test_a_unit_without_a_process_counts_from_when_it_was_entered() -> None:
    timer = unit() | {"ExecMainStartTimestampMonotonic": "0"}
    assert module.decide(timer, OFFSET + 50, 0.0, OFFSET) is None
    assert module.decide(timer, OFFSET + 101, 0.0, OFFSET) == "restarted"


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
