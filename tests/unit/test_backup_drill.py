"""The weekly drill: what came back is looked at, never an exit code."""

from __future__ import annotations

import io
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hems.backup import BackupError, drill, restore, try_out
from hems.backup.influx import Figures

from tests.unit.backup_world import World, make

FINE = 'print(\'{"errors": [], "warnings": ["one"]}\')'


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Return Home Assistant's directory."""
    path = tmp_path / "top"
    path.mkdir()
    return path


def program(tmp_path: Path, text: str) -> Path:
    """Return a directory where Home Assistant is installed, with a check that does this."""
    root = tmp_path / "root"
    (root / "current/bin").mkdir(parents=True)
    (root / "current/bin/python").symlink_to("/usr/bin/python3")
    (root / "check_config.py").write_text(text)
    return root


def archive(tmp_path: Path, spoil: bool = False) -> io.BytesIO:
    """Return a part with one database."""
    file = tmp_path / "x.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE t (n)")
        database.executemany("INSERT INTO t VALUES (?)", [("text" * 50,)] * 200)
        database.commit()
    if spoil:
        content = bytearray(file.read_bytes())
        content[5000:9000] = b"\xff" * 4000
        file.write_bytes(content)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(file, "x.db")
    out.seek(0)
    return out


def test_a_good_part_is_found_good_and_nothing_stays(tmp_path: Path, top: Path) -> None:
    root = program(tmp_path, f"import os, sys; os.stat(sys.argv[1] + '/x.db'); {FINE}")
    assert try_out.try_out(top, root, ["x.db"], archive(tmp_path)) == []
    assert list(top.iterdir()) == []


def test_a_damaged_or_missing_database_is_named(tmp_path: Path, top: Path) -> None:
    root = program(tmp_path, FINE)
    (damaged, missing) = try_out.try_out(top, root, ["x.db", "y.db"], archive(tmp_path, spoil=True))
    assert damaged.startswith("x.db is damaged") and missing == "y.db is not in it"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('print(\'{"errors": ["Invalid config for x."]}\')', "(Invalid config for x)"),
        ("raise SystemExit('it hangs')", "(it hangs)"),
        ("pass", "(exit code 0)"),
    ],
)
def test_a_configuration_that_is_not_taken_is_named(
    tmp_path: Path, top: Path, text: str, words: str
) -> None:
    (said,) = try_out.try_out(top, program(tmp_path, text), ["x.db"], archive(tmp_path))
    assert said == f"Home Assistant does not take the configuration {words}"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a box with a backup, whose throw-away bucket holds ``figures``."""
    monkeypatch.setattr(restore, "FETCHED", tmp_path / "state/restore")
    monkeypatch.setattr(drill, "_home_assistant", lambda _this: [])
    made = make(tmp_path, monkeypatch)
    made.once()
    return made


def tried(world: World, monkeypatch: pytest.MonkeyPatch, values: dict[str, float]) -> list[str]:
    """Do the drill with such readings in the throw-away bucket, and return what was done to it."""
    did: list[str] = []

    def figures(_influx: Any, bucket: str, until: int) -> Figures:
        assert bucket == drill.BUCKET
        return Figures(until, values)

    does = {
        "drop": lambda _influx, bucket: did.append(f"drop {bucket}"),
        "unpack": lambda _influx, _from, bucket: did.append(bucket),
        "figures": figures,
    }
    for name, do in does.items():
        monkeypatch.setattr(type(world.influx), name, do, raising=False)
    drill.once(world.this, lambda _line: None)
    return did


def test_readings_whose_counts_and_sums_are_right_are_proven_and_dropped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    did = tried(world, monkeypatch, {"W count_value": 3})
    assert did == ["drop hems_drill", "hems_drill", "drop hems_drill"]
    assert not restore.FETCHED.exists()


def test_a_reading_less_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackupError, match="1 fields of readings differ, such as W count_value"):
        tried(world, monkeypatch, {"W count_value": 2})


def test_readings_that_were_not_copied_whole_are_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.influx.unproven = True
    with pytest.raises(BackupError, match="in three tries"):
        world.once()
    with pytest.raises(BackupError, match="can't be compared: InfluxDB did not copy them"):
        tried(world, monkeypatch, {"W count_value": 3})
