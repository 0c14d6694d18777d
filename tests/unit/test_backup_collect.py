"""What a service's part of a backup holds, and that its databases may be in use meanwhile."""

from __future__ import annotations

import io
import os
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from hems.backup import collect


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Return a service's directory."""
    (tmp_path / ".storage").mkdir()
    (tmp_path / ".storage/auth").write_text("{}")
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups/old.tar").write_text("big")
    (tmp_path / "home-assistant.log.1").write_text("long")
    (tmp_path / "link").symlink_to("/etc/shadow")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def archived(top: Path, databases: tuple[str, ...], excluded: tuple[str, ...]) -> tarfile.TarFile:
    """Return the archive of a directory."""
    out = io.BytesIO()
    collect.archive(top, databases, excluded, out)
    out.seek(0)
    return tarfile.open(fileobj=out)


def test_what_is_excluded_is_left_out_and_links_and_pipes_are_only_named(top: Path) -> None:
    with archived(top, (), ("backups", "*.log.*")) as found:
        assert found.getnames() == [".storage", ".storage/auth", "link", "pipe"]
        assert found.getmember("link").issym() and found.getmember("pipe").isfifo()


def test_a_database_in_use_is_copied_whole(top: Path) -> None:
    with closing(sqlite3.connect(top / "x.db", isolation_level=None)) as live:
        live.execute("PRAGMA journal_mode=WAL")
        live.execute("CREATE TABLE t (n)")
        live.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(1000)])
        live.execute("BEGIN IMMEDIATE")  # a writer is at work
        live.execute("INSERT INTO t VALUES (-1)")
        with archived(top, ("x.db", "y.db"), ("backups",)) as found:
            assert [name for name in found.getnames() if ".db" in name] == ["x.db"]
            content = found.extractfile("x.db")
            assert content is not None
            (top / "copy").write_bytes(content.read())
        live.execute("COMMIT")
    with closing(sqlite3.connect(top / "copy")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*), min(n) FROM t").fetchone() == (1000, 0)
    assert not (top / collect.WORK).exists()


def test_what_a_power_cut_left_is_no_part_and_goes(top: Path) -> None:
    (top / collect.WORK).mkdir()
    (top / collect.WORK / "x.db").write_text("half")
    sqlite3.connect(top / "x.db").close()
    with archived(top, ("x.db",), ()) as found:
        assert not [name for name in found.getnames() if collect.WORK in name]
    assert not (top / collect.WORK).exists()


def test_the_room_that_it_needs_counts_a_database_twice(top: Path) -> None:
    (top / "x.db").write_bytes(b"x" * 1000)
    without = collect.size(top, (), ("x.db",))
    assert collect.size(top, ("x.db",), ()) == without + 2000
