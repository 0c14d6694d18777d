"""Root's files come back in one step each, whatever has become of them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hems.update import root_files


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A directory of root's with a file, a link, a directory and a file of two names."""
    top = tmp_path / "etc"
    (top / "rules.d").mkdir(parents=True)
    (top / "hems.toml").write_text("old")
    (top / "hems.toml").chmod(0o640)
    (top / "second").hardlink_to(top / "hems.toml")
    (top / "rules.d/10.rules").write_text("old")
    (top / "link").symlink_to("hems.toml")
    root_files.keep(tmp_path / "files.tar", [top])
    return top


def put_back(etc: Path, spared: tuple[Path, ...] = ()) -> set[Path]:
    return root_files.put_back(etc.parent / "files.tar", [etc], spared)


def test_nobody_else_reads_what_is_kept(etc: Path) -> None:
    assert (etc.parent / "files.tar").stat().st_mode & 0o777 == 0o600


def test_what_is_as_it_was_is_not_written(etc: Path) -> None:
    before = {path: path.lstat().st_ino for path in etc.rglob("*")}
    assert put_back(etc) == set()
    assert {path: path.lstat().st_ino for path in etc.rglob("*")} == before


def test_a_file_is_replaced_and_never_opened_for_writing(etc: Path) -> None:
    # one that is read or run at this moment is another file, and a power cut finds a whole one
    file = etc / "hems.toml"
    file.write_text("new")
    with file.open() as running:
        assert file in put_back(etc)
        assert running.read() == "new"
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("old", 0o640)
    assert (etc / "second").read_text() == "old"


def test_a_mode_or_an_owner_alone_comes_back(etc: Path) -> None:
    (etc / "hems.toml").chmod(0o666)
    (etc / "rules.d").chmod(0o777)
    assert put_back(etc) == {etc / "hems.toml", etc / "second", etc / "rules.d"}
    assert (etc / "hems.toml").stat().st_mode & 0o777 == 0o640


def test_what_became_something_else_comes_back(etc: Path) -> None:
    (etc / "hems.toml").unlink()
    (etc / "hems.toml").mkdir()
    (etc / "hems.toml/x").write_text("new")
    (etc / "rules.d/10.rules").unlink()
    (etc / "rules.d").rmdir()
    (etc / "rules.d").symlink_to("/")
    (etc / "link").unlink()
    (etc / "link").write_text("new")
    put_back(etc)
    assert (etc / "hems.toml").read_text() == (etc / "rules.d/10.rules").read_text() == "old"
    assert not (etc / "rules.d").is_symlink() and os.readlink(etc / "link") == "hems.toml"


def test_what_was_not_there_goes_unless_it_is_spared(etc: Path) -> None:
    new, spared = etc / "rules.d/99.rules", etc / "rules.d/spared"
    new.write_text("new")
    spared.write_text("stays")
    dead = etc / "dead"
    dead.symlink_to("/nonexistent")
    assert put_back(etc, (spared,)) == {new, dead}
    assert spared.exists() and not new.exists() and not dead.is_symlink()


def test_what_a_package_brought_stays_and_dpkg_is_asked_once_for_many(
    etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    names = ["packaged", "of two", "a[b]*?", *(f"strange {number}" for number in range(600))]
    for name in names:
        (etc / name).write_text("new")

    def answer(words: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        asked.append(words)
        said = f"one: {etc}/packaged\none, two:amd64: {etc}/of two\none: {etc}/a[b]*?\n"
        return subprocess.CompletedProcess(words, 1, said.encode(), b"no path found")

    monkeypatch.setattr(root_files.subprocess, "run", answer)
    put_back(etc)
    assert {path.name for path in etc.iterdir()} & set(names) == {"packaged", "of two", "a[b]*?"}
    assert len(asked) == 2 and f"{etc}/a\\[b\\]\\*\\?" in asked[0]


def test_dpkg_itself_knows_its_files(tmp_path: Path) -> None:
    strange = tmp_path / "a[b]"
    assert root_files._packaged([Path("/etc/debian_version"), strange]) == {
        Path("/etc/debian_version")
    }
