"""Look at a part's state files, set aside what is broken, and keep copies of what is good.

Runs as the part's own user, in its sandbox: it can do nothing that the service could not.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from hems import whole_file
from hems.state_files import core, forms
from hems.state_files.notes import Note
from hems.state_files.table import Part, Row

COMPANIONS = ("-wal", "-shm", "-journal")  # SQLite's
LARGEST = 64 * 1024 * 1024  # bytes; a larger file that would have to be read whole is not judged
END = 1024 * 1024  # of a file that is judged by its ends
BUSY_SECONDS = 5.0
TOO_LARGE = "it was too large ({} bytes)"
# What SQLite says of a database that is broken. Of anything else, such as a full disk, it is not
# the database that is to blame: https://www.sqlite.org/rescode.html
PRIMARY = 0xFF  # of an extended result code
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
CUT_SHORT = (sqlite3.SQLITE_IOERR_SHORT_READ,)


class When(Enum):
    """What the service is doing, and so what may be done."""

    STOPPED = "before its start"  # everything
    RUNNING = "running"  # what it holds open is only copied


@dataclass(frozen=True)
class Keeper:
    """A part's files. ``say`` is told of what went wrong here; nothing here raises OSError."""

    part: Part
    directory: Path
    say: Callable[[str], None]
    now: datetime
    most_bytes: int = 0  # a larger file is set aside; 0: none is

    def look(self, when: When) -> list[Note]:
        """Do what is needed and return a note for each file that was set aside."""
        notes = []
        for row in self.part.rows:
            for path in self._found(row):
                try:
                    note = self._one(row, path, when)
                except (OSError, sqlite3.Error) as error:
                    self.say(f"{path} can't be checked: {error}")
                    continue
                if note is not None:
                    notes.append(note)
        return notes

    def _found(self, row: Row) -> Iterator[Path]:
        for path in sorted(self.directory.glob(row.pattern)):
            ours = core.ASIDE.search(path.name) or any(map(path.match, row.except_for))
            # A link leads to something that is not this service's state.
            if not ours and not path.is_symlink() and path.is_file():
                yield path

    def _one(self, row: Row, path: Path, when: When) -> Note | None:
        copies = self._copies(row, path)
        asked = row.sqlite and when is When.STOPPED
        problem = self._problem(row, path, ask_sqlite=asked)
        newest = copies[0] if copies else None
        same = newest is not None and not problem and _same(row, path, newest)
        rated = [(copy.name, not self._problem(row, copy, True)) for copy in copies if problem]
        rated = rated or [(copy.name, True) for copy in copies]
        step = core.decide(problem, rated, row.copies, same)
        if step.copy:
            self._copy(row, path, step)
        if not step.problem or (when is When.RUNNING and not row.running):
            return None
        return self._set_aside(row, path, step)

    def _problem(self, row: Row, path: Path, ask_sqlite: bool) -> str:
        size = path.stat().st_size
        if self.most_bytes and size > self.most_bytes:
            return TOO_LARGE.format(size)
        content = _content(path, size, by_its_ends=row.form in forms.BY_ITS_ENDS)
        if content is None:
            return ""
        problem = forms.check(row.form, content, size, row.empty_is_good)
        return problem or (_ask(path, row.thorough) if ask_sqlite and row.sqlite else "")

    def _copies(self, row: Row, path: Path) -> list[Path]:
        """Return the copies of a file, the newest first."""
        if not row.copies:
            return []
        directory = self._copy_directory(path)
        return sorted(directory.iterdir(), reverse=True) if directory.is_dir() else []

    def _copy_directory(self, path: Path) -> Path:
        return self.directory / self.part.copies / path.relative_to(self.directory)

    def _copy(self, row: Row, path: Path, step: core.Step) -> None:
        directory = self._copy_directory(path)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _put(row, path, directory / core.stamp(self.now))
        for name in step.drop:
            (directory / name).unlink(missing_ok=True)

    def _set_aside(self, row: Row, path: Path, step: core.Step) -> Note:
        kept = core.aside(path.name, self.now, [one.name for one in path.parent.iterdir()])
        mode = path.stat().st_mode & 0o7777
        # First the copy: where there is no room for it, all stays as it is until the next time.
        fresh = None
        if step.restore:
            fresh = _fresh(row, self._copy_directory(path) / step.restore, path.parent, mode)
        path.rename(path.with_name(kept))
        if row.sqlite:
            for suffix in COMPANIONS:
                beside = path.with_name(path.name + suffix)
                with suppress(FileNotFoundError):
                    beside.rename(path.with_name(kept + suffix))
        now, cure = f"lost: {row.lost}", row.cure
        if fresh:
            whole_file.put(fresh, path)
            now = f"the copy of {step.restore} has taken its place"
            cure = "What was changed after it has to be done again."
        whole_file.sync(path.parent)
        time = self.now.astimezone(UTC).isoformat(timespec="seconds")
        return Note(time, str(path), kept, step.problem, now, cure)


def _content(path: Path, size: int, by_its_ends: bool) -> bytes | None:
    """Return a file's bytes, or its two ends; None when it is too large to be read."""
    with path.open("rb") as stream:
        if by_its_ends and size > 2 * END:
            start = stream.read(END)
            stream.seek(-END, os.SEEK_END)
            return start + stream.read()
        return stream.read() if size <= LARGEST else None


def _ask(path: Path, thorough: bool) -> str:
    """Return what SQLite says of a database that nobody has open."""
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as database:
            # Into the database with what a power cut left in its log: then its size must be right.
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            (pages,) = database.execute("PRAGMA page_count").fetchone()
            (size,) = database.execute("PRAGMA page_size").fetchone()
            if path.stat().st_size < pages * size:
                return forms.SHORT
            found = (
                database.execute("PRAGMA integrity_check(1)").fetchone() if thorough else ("ok",)
            )
            return "" if found == ("ok",) else "it was damaged"
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0)
        damaged = code & PRIMARY in DAMAGED or code in CUT_SHORT
        return "it was damaged" if damaged else ""


def _same(row: Row, path: Path, copy: Path) -> bool:
    if row.sqlite:  # a copy is laid out anew: whether anything was written since is what counts
        beside = path.with_name(path.name + COMPANIONS[0])
        written = max(one.stat().st_mtime for one in (path, beside) if one.exists())
        return written <= copy.stat().st_mtime
    return path.stat().st_size == copy.stat().st_size and path.read_bytes() == copy.read_bytes()


def _put(row: Row, source: Path, target: Path) -> None:
    """Copy a file so that the target is never half of it."""
    fresh = _fresh(row, source, target.parent)
    try:
        whole_file.put(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)


def _fresh(row: Row, source: Path, directory: Path, mode: int = 0o600) -> Path:
    """Copy a file under a name of its own; nothing is left of a copy that fails."""
    handle, name = tempfile.mkstemp(dir=directory, prefix="tmp")
    os.close(handle)
    fresh = Path(name)
    try:
        if row.sqlite:  # whole also while somebody writes to it
            with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(fresh)) as new:
                old.backup(new)
        else:
            shutil.copyfile(source, fresh)
        fresh.chmod(mode)
        with fresh.open("rb+") as stream:
            os.fsync(stream.fileno())
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return fresh
