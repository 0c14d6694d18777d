"""A unit restarts when its files are not those of its start, however the play before ended."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.modules import load_module

module = load_module("playbooks/library/unit_current.py")
started = module.started_with

OFFSET = 1_000_000.0  # wall clock less monotonic clock, seconds
HOUR = 3600.0


def stamp(wall: float) -> str:
    """Return Unix seconds as systemctl prints them with --timestamp=us+utc."""
    return f"{datetime.fromtimestamp(wall, UTC):%a %Y-%m-%d %H:%M:%S.%f} UTC"


def unit(
    state: str = "active", begun: float = 100, invocation: str = "one", clock: float = OFFSET
) -> dict[str, str]:
    """What systemctl says of a unit; ``begun`` in monotonic seconds, ``clock`` the offset then."""
    return {
        "ActiveState": state,
        "InvocationID": invocation,
        "ExecMainStartTimestamp": stamp(begun + clock),
        "ExecMainStartTimestampMonotonic": str(int(begun * 1e6)),
        "ActiveEnterTimestamp": stamp(begun + clock),
        "ActiveEnterTimestampMonotonic": str(int(begun * 1e6)),
        "LoadState": "loaded",
        "UnitFileState": "enabled",
    }


def files(
    at_start: str = "a", at_reload: str = "r", changed: float = OFFSET + 50
) -> tuple[Any, Any]:
    """The unit's files as they are now: those of a start and those of a reload."""
    return module.Files(at_start, changed), module.Files(at_reload, changed)


RECORD = module.Record("one", "a", "r")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (files(), []),
        (files(at_start="b"), ["restart"]),
        (files(at_reload="s"), ["reload"]),
        (files(at_start="b", at_reload="s"), ["restart"]),
        (files(changed=OFFSET + 10 * HOUR), []),  # written anew, to the same content
    ],
)
@pytest.mark.parametrize("step", [-6 * HOUR, 0.0, 6 * HOUR])
def test_the_content_decides_whatever_the_clock_did(
    now: tuple[Any, Any], expected: list[str], step: float
) -> None:
    assert module.to_run(unit(), *now, RECORD, OFFSET + step) == expected


def test_other_content_restarts_whoever_started_it() -> None:
    by_another = unit(invocation="two")
    assert module.to_run(by_another, *files(at_start="b"), RECORD, OFFSET) == ["restart"]
    assert module.to_run(by_another, *files(), RECORD, OFFSET) == []


def test_what_was_changed_and_changed_back_under_another_start_restarts() -> None:
    # It may have been started between the two.
    back = files(changed=OFFSET + 101)
    assert module.to_run(unit(invocation="two"), *back, RECORD, OFFSET) == ["restart"]
    assert module.to_run(unit(), *back, RECORD, OFFSET) == []


@pytest.mark.parametrize("step", [0.0, 6 * HOUR, -6 * HOUR])
@pytest.mark.parametrize("dated_by_new_clock", [False, True])
def test_a_unit_of_an_older_release_restarts_for_what_came_after_its_start(
    step: float, dated_by_new_clock: bool
) -> None:
    # Started at 20 s and a file written at 600 s, by a play that died: nothing is remembered.
    written = 600 + OFFSET + (step if dated_by_new_clock else 0.0)
    seen = unit(begun=20)
    assert module.to_run(seen, *files(changed=written), None, OFFSET + step) == ["restart"]


@pytest.mark.parametrize("step", [0.0, 6 * HOUR])
def test_a_unit_of_an_older_release_on_its_files_goes_on(step: float) -> None:
    assert module.to_run(unit(begun=20), *files(changed=OFFSET + 5), None, OFFSET + step) == []


@pytest.mark.parametrize("state", ["inactive", "activating"])
def test_a_unit_that_does_not_run_is_started(state: str) -> None:
    assert module.to_run(unit(state), *files(), RECORD, OFFSET) == ["start"]


def test_a_unit_that_gave_up_may_try_again() -> None:
    assert module.to_run(unit("failed"), *files(), RECORD, OFFSET) == ["reset-failed", "start"]


def test_a_disabled_unit_is_enabled() -> None:
    disabled = unit() | {"UnitFileState": "disabled"}
    assert module.to_run(disabled, *files(), RECORD, OFFSET) == ["enable"]
    assert module.to_run(disabled, *files("b"), RECORD, OFFSET) == ["enable", "restart"]


def test_a_unit_without_a_process_counts_from_when_it_was_entered() -> None:
    timer = unit() | {"ExecMainStartTimestamp": "", "ExecMainStartTimestampMonotonic": "0"}
    assert module.to_run(timer, *files(changed=OFFSET + 50), None, OFFSET) == []
    assert module.to_run(timer, *files(changed=OFFSET + 101), None, OFFSET) == ["restart"]


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


def test_a_fingerprint_is_of_names_contents_and_modes(tmp_path: Path) -> None:
    top = tmp_path / "etc"
    top.mkdir()
    file = top / "one.conf"
    seen = {started.fingerprint([str(top)])}
    for change in (
        lambda: file.write_text("a"),
        lambda: file.write_text("b"),
        lambda: file.chmod(0o600),
        lambda: file.rename(top / "two.conf"),
    ):
        change()
        seen.add(started.fingerprint([str(top)]))
    assert len(seen) == 5
    os.utime(top / "two.conf", (0, 0))
    assert started.fingerprint([str(top)]) in seen


def test_a_fingerprint_looks_behind_links_and_not_into_releases(tmp_path: Path) -> None:
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "code").write_text(version)
    link = tmp_path / "current"
    link.symlink_to("1")
    first = started.fingerprint([str(link)])
    (tmp_path / "1/code").write_text("a cache")
    assert started.fingerprint([str(link)]) == first
    os.utime(tmp_path / "1", (5, 5))  # made anew, as after a power cut
    assert started.fingerprint([str(link)]) != first
    link.unlink()
    link.symlink_to("2")
    assert started.fingerprint([str(link)]) != first
    certificate = tmp_path / "server.crt"
    certificate.symlink_to("current/code")
    before = started.fingerprint([str(certificate)])
    (tmp_path / "2/code").write_text("renewed")
    assert started.fingerprint([str(certificate)]) != before
    assert started.fingerprint([str(tmp_path / "none")]) == started.fingerprint([])


def test_newest_change_looks_below_directories_and_behind_links(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    old = started.newest_change([str(tmp_path / "etc")])
    (tmp_path / "real").write_text("x")
    os.symlink(tmp_path / "real", tmp_path / "etc" / "link")
    assert started.newest_change([str(tmp_path / "etc")]) >= old
    linked = started.newest_change([str(tmp_path / "etc" / "link")])
    assert linked >= (tmp_path / "real").stat().st_ctime
    assert started.newest_change([str(tmp_path / "none")]) == 0.0


def test_a_record_is_kept_root_only_and_a_damaged_one_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "units"
    monkeypatch.setattr(started, "DIRECTORY", directory)
    assert started.load("a.service") is None
    started.save("a.service", RECORD)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert started.load("a.service") == RECORD
    for left in ("", "\0\0", "[]", '{"other": 1}'):
        (directory / "a.service").write_text(left)
        assert started.load("a.service") is None
    started.forget("a.service")
    started.forget("a.service")
    assert list(directory.iterdir()) == []
