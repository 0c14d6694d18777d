"""A file is there whole or not at all, and what failed leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.modules import load_module

whole_file = load_module("playbooks/module_utils/whole_file.py")


def test_a_file_is_replaced_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    whole_file.write(path, "älter\n")
    assert path.stat().st_mode & 0o777 == 0o600
    whole_file.write(path, b"\0newer", mode=0o640, owner=(os.getuid(), os.getgid()))
    assert path.read_bytes() == b"\0newer"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_staging_touches_nothing_until_it_is_put(tmp_path: Path) -> None:
    path = tmp_path / "unit"
    path.write_text("old")
    staged = whole_file.stage(path, "new", mode=0o644)
    assert (path.read_text(), staged.read_text()) == ("old", "new")
    whole_file.put(staged, path)
    assert path.read_text() == "new"


def test_a_full_card_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        whole_file.write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_and_then_its_name_are_on_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[bool, bool]] = []
    path, real = tmp_path / "secret", os.fsync

    def fsync(handle: int) -> None:
        synced.append((os.path.isdir(f"/proc/self/fd/{handle}"), path.exists()))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    whole_file.write(path, "new")
    assert synced == [(False, False), (True, True)]


def test_a_link_is_switched_in_one_step(tmp_path: Path) -> None:
    link = tmp_path / "current"
    for target in ("1", "2"):
        (tmp_path / ".current.new").symlink_to("left by a power cut")
        whole_file.link(link, target)
        assert str(link.readlink()) == target
    assert list(tmp_path.iterdir()) == [link]
