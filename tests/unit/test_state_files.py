"""Every state file of the table, broken in every way that a power cut breaks one."""

from __future__ import annotations

import fnmatch
import json
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hems.state_files import forms, mosquitto_db
from hems.state_files.keeper import Keeper, When
from hems.state_files.notes import Note
from hems.state_files.table import PARTS, Row

from tests.unit.state_file_samples import GARBAGE, GOOD, broker_database

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
Break = Callable[[bytes], bytes]
BREAKS: dict[str, Break] = {
    "zeros": lambda content: bytes(len(content)),
    "cut short": lambda content: content[: len(content) * 3 // 5],
    "garbage": lambda _: GARBAGE,
    "empty": lambda _: b"",
    "its end zeros": lambda content: content[: len(content) // 2] + bytes(len(content) // 2),
}


@dataclass
class Box:
    """A part's directory, and the keeper that looks after it."""

    part: str
    directory: Path
    said: list[str] = field(default_factory=list)

    def write(self, name: str, content: bytes) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def look(
        self, when: When = When.STOPPED, later: timedelta = timedelta(), most_bytes: int = 0
    ) -> list[Note]:
        keeper = Keeper(PARTS[self.part], self.directory, self.said.append, NOW + later, most_bytes)
        notes = keeper.look(when)
        assert self.said == []
        return notes


def files() -> list[tuple[str, str, Row]]:
    """Every row with one file of it."""
    return [
        (part, name, row)
        for part, of in PARTS.items()
        for row in of.rows
        for name in GOOD
        if fnmatch.fnmatch(name, row.pattern) and name.count("/") == row.pattern.count("/")
    ]


def test_every_row_has_a_file_here() -> None:
    seen = {(part, row.pattern) for part, _, row in files()}
    assert seen == {(part, row.pattern) for part, of in PARTS.items() for row in of.rows}


def is_seen(row: Row, name: str, broken: str) -> bool:
    """Tell what can't be seen: text that ends early, and the emptiness of what may be empty."""
    if broken == "cut short":
        return row.form not in (forms.text, forms.line, forms.fields)
    if broken == "its end zeros":  # nobody reads a large one to its end before each start
        return row.form not in (forms.fields, forms.bolt) and name != "home-assistant_v2.db"
    return not (broken == "empty" and row.empty_is_good)


@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize(("part", "name", "row"), files(), ids=lambda value: str(value)[:30])
def test_what_is_broken_is_set_aside_and_told(
    tmp_path: Path, part: str, name: str, row: Row, broken: str
) -> None:
    box, bytes_now = Box(part, tmp_path), BREAKS[broken](GOOD[name])
    path = box.write(name, bytes_now)
    if not is_seen(row, name, broken):
        assert box.look() == [] and path.read_bytes() == bytes_now
        return
    (note,) = box.look()
    assert not path.exists()
    kept = path.with_name(note.kept)
    assert kept.read_bytes() == bytes_now and note.kept.startswith(f"{path.name}.broken-2026")
    assert note.file == str(path) and note.problem.startswith("it ")
    assert row.lost in note.now and note.cure == row.cure
    assert box.look() == [], "what was set aside is not looked at again"


@pytest.mark.parametrize(("part", "name", "row"), files(), ids=lambda value: str(value)[:30])
def test_what_is_good_is_left_alone(tmp_path: Path, part: str, name: str, row: Row) -> None:
    box = Box(part, tmp_path)
    path = box.write(name, GOOD[name])
    for when in When:
        assert box.look(when) == []
    assert path.read_bytes() == GOOD[name]
    copies = [one for one in tmp_path.rglob("hems_copies/**/*Z") if one.is_file()]
    assert len(copies) == min(row.copies, 1), "one copy of what has not changed"
    assert all(one.stat().st_mode & 0o777 == 0o600 for one in copies)


@pytest.mark.parametrize("broken", ["zeros", "garbage", "empty"])
@pytest.mark.parametrize(
    ("part", "name", "row"), [one for one in files() if one[2].copies], ids=lambda v: str(v)[:30]
)
def test_the_newest_good_copy_takes_its_place(
    tmp_path: Path, part: str, name: str, row: Row, broken: str
) -> None:
    if broken == "empty" and row.empty_is_good:
        return
    box = Box(part, tmp_path)
    path = box.write(name, GOOD[name])
    path.chmod(0o640)
    box.look()
    (copy,) = [one for one in tmp_path.rglob("hems_copies/**/*Z") if one.is_file()]
    copy.with_name("20261126T130000Z").write_bytes(b"\0" * 50)  # newer, and broken itself
    path.write_bytes(BREAKS[broken](GOOD[name]))
    (note,) = box.look(later=timedelta(hours=2))
    assert "20261126T120000Z has taken its place" in note.now
    assert path.stat().st_mode & 0o777 == 0o640
    if not row.sqlite:
        assert path.read_bytes() == GOOD[name]
    assert box.look(later=timedelta(hours=2)) == []


def test_a_restored_database_has_its_rows(tmp_path: Path) -> None:
    box = Box("home-assistant", tmp_path)
    path = box.write("zigbee.db", GOOD["zigbee.db"])
    box.look()
    box.write("zigbee.db", GARBAGE)
    box.write("zigbee.db-wal", b"of the broken one")
    (note,) = box.look(later=timedelta(hours=1))
    assert not (tmp_path / "zigbee.db-wal").exists()
    assert (tmp_path / f"{note.kept}-wal").read_bytes() == b"of the broken one"
    with closing(sqlite3.connect(path)) as restored:
        assert restored.execute("SELECT count(*) FROM devices").fetchone() == (500,)


def test_a_log_that_a_power_cut_left_is_taken_in(tmp_path: Path) -> None:
    box = Box("home-assistant", tmp_path)
    path = tmp_path / "zigbee.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE devices (name TEXT)")
        made.execute("INSERT INTO devices VALUES ('reader')")
        made.commit()
        left = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    for name, content in left.items():
        (tmp_path / name).write_bytes(content)
    assert box.look() == []
    with closing(sqlite3.connect(path)) as whole:
        assert whole.execute("SELECT name FROM devices").fetchall() == [("reader",)]


@contextmanager
def full_disk() -> Iterator[None]:
    """No file gets longer: what writes is refused, as where there is no room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_good_database_on_a_full_disk_stays(tmp_path: Path, mode: str) -> None:
    """SQLite can't open one there that has a log: that once cost a box its Zigbee devices."""
    box = Box("home-assistant", tmp_path)
    path = tmp_path / "zigbee.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute(f"PRAGMA journal_mode={mode}")
        made.execute("CREATE TABLE devices (name TEXT)")
        made.commit()
    keeper = Keeper(PARTS["home-assistant"], tmp_path, box.said.append, NOW)
    with full_disk():
        assert keeper.look(When.STOPPED) == []
    assert path.exists()
    assert len(box.said) == 1, "there is no room for a copy"
    box.said.clear()
    assert box.look() == []


@pytest.mark.parametrize("name", ["zigbee.db", ".storage/auth"])
def test_a_broken_file_waits_for_room_for_its_copy(tmp_path: Path, name: str) -> None:
    box = Box("home-assistant", tmp_path)
    box.write(name, GOOD[name])
    box.look()
    path = box.write(name, GARBAGE)
    keeper = Keeper(PARTS["home-assistant"], tmp_path, box.said.append, NOW)
    with full_disk():
        assert keeper.look(When.STOPPED) == []
    assert path.read_bytes() == GARBAGE
    assert not [*path.parent.glob("tmp*"), *path.parent.glob("*broken*")], "nothing is half done"
    box.said.clear()
    (note,) = box.look()
    assert "has taken its place" in note.now


def test_only_so_many_copies_are_kept(tmp_path: Path) -> None:
    box = Box("home-assistant", tmp_path)
    for day in range(6):
        document = {"version": 1, "key": "auth", "data": {"day": day}}
        box.write(".storage/auth", json.dumps(document).encode())
        box.look(When.RUNNING, later=timedelta(days=day))
    kept = sorted(one.name for one in (tmp_path / ".storage/hems_copies/.storage/auth").iterdir())
    assert kept == ["20261129T120000Z", "20261130T120000Z", "20261201T120000Z"]


def test_a_running_service_keeps_what_it_holds_open(tmp_path: Path) -> None:
    box = Box("home-assistant", tmp_path)
    for name in ("zigbee.db", ".storage/auth", "secrets.yaml"):
        box.write(name, bytes(200))
    assert [Path(note.file).name for note in box.look(When.RUNNING)] == ["auth", "secrets.yaml"]
    assert [Path(note.file).name for note in box.look()] == ["zigbee.db"]


def test_what_home_assistant_set_aside_or_an_owner_wrote_is_not_ours(tmp_path: Path) -> None:
    box = Box("home-assistant", tmp_path)
    box.write(".storage/auth.corrupt.2026-11-26T12:00:00", b"")
    box.write(".storage/tmpab12", b"{")
    box.write("automations/mine.yaml", b"not: [yaml")
    box.write("other.db", b"")
    (tmp_path / "linked.yaml").symlink_to("/dev/zero")
    assert box.look() == []


def test_two_in_one_second_both_stay(tmp_path: Path) -> None:
    box = Box("mosquitto", tmp_path)
    for content in (b"\0" * 9, GARBAGE):
        box.write("mosquitto.db", content)
        box.look()
    assert len(list(tmp_path.glob("mosquitto.db.broken-*"))) == 2


def test_a_broker_database_that_is_too_large_is_set_aside(tmp_path: Path) -> None:
    box = Box("mosquitto", tmp_path)
    box.write("mosquitto.db", GOOD["mosquitto.db"])
    assert box.look(most_bytes=len(GOOD["mosquitto.db"])) == []
    (note,) = box.look(most_bytes=len(GOOD["mosquitto.db"]) - 1)
    assert note.problem == f"it was too large ({len(GOOD['mosquitto.db'])} bytes)"


def test_each_bit_of_a_broker_database_that_counts_is_checked() -> None:
    good = broker_database(3)
    assert mosquitto_db.check(good) == ""
    for end in range(1, len(good)):
        cut = mosquitto_db.check(good[:end])
        # A cut between two chunks leaves a database, only with less in it.
        assert cut or end > mosquitto_db.HEADER.size
    assert sum(not mosquitto_db.check(good[:end]) for end in range(1, len(good))) == 6
    assert mosquitto_db.check(good + b"\0" * 64) == "it was damaged"


def test_a_file_that_cannot_be_read_is_said_and_the_rest_is_done(tmp_path: Path) -> None:
    box = Box("home-assistant", tmp_path)
    box.write(".storage/auth", b"")
    box.write(".storage/hems_copies", b"in the way of the copies")
    box.write(".storage/good", GOOD[".storage/auth"])
    keeper = Keeper(PARTS["home-assistant"], tmp_path, box.said.append, NOW)
    files_aside = [Path(note.file).name for note in keeper.look(When.STOPPED)]
    assert "auth" in files_aside
