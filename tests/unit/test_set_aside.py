"""What services set aside: in the log once, an issue for a week; notes are not trusted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hems.state_files import notes
from hems.state_files.notes import Note
from hems.watchdog import journal
from hems.watchdog.act import Actor, Orders
from hems.watchdog.set_aside import SetAside


def note(name: str = "mosquitto.db", age: timedelta = timedelta()) -> Note:
    time = (datetime.now(UTC) - age).isoformat(timespec="seconds")
    return Note(time, f"/var/lib/{name}", f"{name}.broken-1", "it was empty", "lost is x", "Do y.")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The broker's directory for notes."""
    (tmp_path / "notes/mosquitto").mkdir(parents=True)
    return tmp_path / "notes/mosquitto"


def watch(tmp_path: Path) -> tuple[SetAside, Path]:
    (tmp_path / "state").mkdir(exist_ok=True)
    actor = Actor(tmp_path / "state", dry_run=False, orders=Orders())
    return SetAside(tmp_path / "notes", actor), tmp_path / "state" / journal.FILE


def test_it_is_logged_once_also_over_a_restart_of_the_watchdog(
    tmp_path: Path, directory: Path
) -> None:
    first = note()
    notes.add(directory, [first])
    for _ in range(2):
        seen, log = watch(tmp_path)
        assert seen.look() == seen.look() == (first,)
        assert [one.subject for one in journal.read(log, 9)] == ["/var/lib/mosquitto.db"]
    notes.add(directory, [note("other.db")])
    assert len(seen.look()) == 2
    logged = journal.read(log, 9)[-1]
    assert (logged.verb, logged.cause) == ("set aside", "it was empty")
    assert logged.observed == "other.db.broken-1: lost is x"


def test_it_is_shown_for_a_week(tmp_path: Path, directory: Path) -> None:
    young, old = note("a", timedelta(days=6)), note("b", timedelta(days=8))
    notes.add(directory, [old, young])
    seen, log = watch(tmp_path)
    assert seen.look() == (young,)
    assert len(journal.read(log, 9)) == 2


def test_only_the_newest_notes_are_kept(directory: Path) -> None:
    for number in range(30):
        notes.add(directory, [note(str(number))])
    kept = notes.read(directory / notes.FILE)
    assert [one.file for one in kept] == [f"/var/lib/{number}" for number in range(10, 30)]
    assert (directory / notes.FILE).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 99, b"\xff", b"{}", b"[1]", b'[{"file": "a"}]', b"[" * 70_000]
)
def test_what_is_no_note_is_none(directory: Path, content: bytes) -> None:
    (directory / notes.FILE).write_bytes(content)
    assert notes.read(directory / notes.FILE) == ()
    notes.add(directory, [note()])
    assert len(notes.read(directory / notes.FILE)) == 1


def test_a_note_can_neither_flood_nor_forge_a_line(directory: Path) -> None:
    nasty = {**note().__dict__, "file": "a" * 5000, "problem": "x\ny\x1b[31m"}
    (directory / notes.FILE).write_text(json.dumps([nasty]))
    (read,) = notes.read(directory / notes.FILE)
    assert len(read.file) == notes.MOST_CHARACTERS
    assert read.problem == "x?y?[31m"


def test_no_directory_is_no_note(tmp_path: Path) -> None:
    assert notes.read_all(tmp_path / "none") == ()
