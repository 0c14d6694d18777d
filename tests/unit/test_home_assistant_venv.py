"""Which venv is used, made or removed; what a site's extra requirements must look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.home_assistant_modules import lock

LOCK = """# Written by `make lock`; do not edit.
Alpha-Beta==1.0 ; sys_platform == 'linux' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
setuptools==80.0 \\
    --hash=sha256:cc
"""


def venv(root: Path, name: str, stamp: str | None) -> Path:
    path = root / name
    (path / "bin").mkdir(parents=True)
    if stamp:
        (path / lock.STAMP).write_text(stamp)
    return path


def test_lock_entries_keep_their_hashes() -> None:
    entries = lock.locked(LOCK)
    assert sorted(entries) == ["alpha-beta", "setuptools"]
    assert entries["alpha-beta"].count("--hash=") == 2


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("thing==1.2", None),
        ("thing[x]==1.2 --hash=sha256:" + "a" * 64, None),
        ("thing", "write 'thing' as name==version"),
        ("thing>=1", "write"),
        ("alpha_beta==2.0", "already in the lock as Alpha-Beta==1.0"),
        ("https://example.org/x.whl", "write"),
    ],
)
def test_extra_requirements_are_pinned_and_new(extra: str, words: str | None) -> None:
    problem = lock.extra_problem([extra], LOCK)
    assert problem is None if words is None else words in str(problem)


def test_the_key_changes_with_lock_extras_and_python() -> None:
    keys = {
        lock.stamp_key("a", [], "3.14.10"),
        lock.stamp_key("b", [], "3.14.10"),
        lock.stamp_key("a", ["x==1"], "3.14.10"),
        lock.stamp_key("a", [], "3.14.11"),
    }
    assert len(keys) == 4


def test_lock_files_that_others_may_write_are_found(tmp_path: Path) -> None:
    for name, mode in {"open": 0o666, "group": 0o664, "closed": 0o644}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / ".lock").touch()
        (tmp_path / name / ".lock").chmod(mode)
    found = lock.writable_locks(tmp_path, tmp_path / "missing")
    assert sorted(path.parent.name for path in found) == ["group", "open"]


def test_a_first_venv_has_the_versions_name(tmp_path: Path) -> None:
    assert lock.choose(tmp_path, "2026.10.4", "k" * 64) == (tmp_path / "2026.10.4", False)


def test_an_interrupted_venv_is_made_again(tmp_path: Path) -> None:
    path = venv(tmp_path, "2026.10.4", None)
    assert lock.choose(tmp_path, "2026.10.4", "k" * 64) == (path, False)


def test_a_complete_venv_is_used(tmp_path: Path) -> None:
    path = venv(tmp_path, "2026.10.4", "k" * 64)
    assert lock.choose(tmp_path, "2026.10.4", "k" * 64) == (path, True)


def test_a_changed_lock_leaves_the_running_venv_alone(tmp_path: Path) -> None:
    venv(tmp_path, "2026.10.4", "old")
    assert lock.choose(tmp_path, "2026.10.4", "k" * 64) == (tmp_path / "2026.10.4-kkkkkkkk", False)


def test_only_current_and_previous_stay(tmp_path: Path) -> None:
    kept = {venv(tmp_path, "2026.10.4", "b"), venv(tmp_path, "2026.9.1", "a")}
    older = [venv(tmp_path, "2026.7.2", None), venv(tmp_path, "2026.8.1", "x")]
    (tmp_path / "current").symlink_to("2026.10.4")
    (tmp_path / "notes").mkdir()
    assert lock.outdated(tmp_path, kept) == older
