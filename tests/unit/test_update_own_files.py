"""A service's own directory comes back file by file, and nothing is missing in between."""

from __future__ import annotations

import os
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from hems import whole_file
from hems.update import own_files


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A service's directory, and its archive."""
    top = tmp_path / "home"
    (top / ".storage").mkdir(parents=True)
    (top / "www/mine").mkdir(parents=True)
    for name in ("configuration.yaml", ".storage/auth", ".storage/core", "www/mine/page"):
        (top / name).write_text("old")
    (top / ".storage/auth").chmod(0o600)
    (top / "link").symlink_to("configuration.yaml")
    (top / "home.db").write_text("history")
    out = ["--anchored", "--no-wildcards-match-slash", "--exclude=./*.db"]
    archive = str(tmp_path / "home.tar")
    subprocess.run(["tar", "-C", str(top), *out, "-cf", archive, "."], check=True)
    return top


def put_back(home: Path) -> None:
    with (home.parent / "home.tar").open("rb") as stream:
        own_files.put_back(home, stream, ("*.db",))


def change(home: Path) -> None:
    (home / ".storage/auth").write_text("new")
    (home / ".storage/core").unlink()
    (home / ".storage/strange").write_text("new")
    (home / "configuration.yaml").unlink()
    (home / "configuration.yaml").mkdir()
    (home / "new/below").mkdir(parents=True)
    (home / "new/below/x").write_text("new")
    (home / "link").unlink()
    (home / "link").write_text("new")
    (home / "home.db").write_text("more history")


def content(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home)): str(path.readlink()) if path.is_symlink() else path.read_text()
        for path in home.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_everything_comes_back_and_the_rest_stays(home: Path) -> None:
    before = content(home)
    change(home)
    put_back(home)
    assert content(home) == {**before, "home.db": "more history"}
    assert not (home / "new").exists()
    assert (home / ".storage/auth").stat().st_mode & 0o777 == 0o600


def test_what_is_as_it_was_is_not_written(home: Path) -> None:
    before = {path: path.lstat().st_ino for path in home.rglob("*")}
    put_back(home)
    assert {path: path.lstat().st_ino for path in home.rglob("*")} == before


def test_a_power_cut_at_any_point_leaves_each_file_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the directory was emptied before it was filled again: Home Assistant could start without its
    # accounts, and ask whoever came first to make himself the owner
    before, writes = content(home), 0
    put = whole_file.put

    def cut(staged: Path, path: Path) -> None:
        nonlocal writes
        writes -= 1
        if writes < 0:
            raise InterruptedError("the power was cut")
        put(staged, path)

    monkeypatch.setattr(whole_file, "put", cut)
    for most in range(10):
        (home / ".storage/auth").write_text("new")
        (home / ".storage/core").write_text("new")
        (home / "www/mine/page").write_text("new")
        writes = most
        try:
            put_back(home)
        except InterruptedError:
            found = {name: text for name, text in content(home).items() if name in before}
            assert found.keys() == before.keys()
            assert {text for name, text in found.items() if before[name] == "old"} <= {"old", "new"}
        else:
            break
    assert most == 3 and content(home) == before


def test_what_belongs_to_somebody_else_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # as the service's user sees what a person made with sudo, also in the service's own directory
    (home / "www/mine/page").write_text("mine")
    (home / "www/note").write_text("mine")
    (home / "new").mkdir()
    monkeypatch.setattr(own_files.os, "geteuid", lambda: os.getuid() + 1)
    before = content(home)
    put_back(home)
    assert content(home) == before and (home / "new").is_dir()


def test_an_archive_that_is_none_is_said(home: Path) -> None:
    (home.parent / "home.tar").write_bytes(b"x" * 2000)
    with pytest.raises(ValueError, match=r"the archive of .*/home can't be read"):
        put_back(home)
    assert (home / "configuration.yaml").read_text() == "old"


def test_what_is_larger_than_the_memory_comes_back(home: Path) -> None:
    # a person's videos lie in Home Assistant's www
    with (home / "film.mp4").open("wb") as film:
        film.truncate(64 << 20)
    archive = home.with_name("large.tar")
    subprocess.run(["tar", "-C", home, "-cf", archive, "."], check=True)
    (home / "film.mp4").write_bytes(b"another one")
    for _ in range(2):  # put back, and found as it was
        tracemalloc.start()
        with archive.open("rb") as stream:
            own_files.put_back(home, stream, [])
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (home / "film.mp4").stat().st_size == 64 << 20
        assert most < 8 << 20
