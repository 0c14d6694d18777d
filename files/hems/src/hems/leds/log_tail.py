"""What is new in Home Assistant's log: how many records, how many of them errors.

The file is followed by its name. Home Assistant renames it to ``.log.1`` at each start, so the old
file is read to its end before the new one is begun; logrotate's copytruncate is noticed by the size
or, when the file has grown again meanwhile, by the bytes before the place reached. Lines may be of
any length and content: of each, only the beginning is kept.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 256  # of a line; time, level, thread and logger stand in its beginning
CHUNK_BYTES = 65536
READ_BYTES = 4 * 1024 * 1024  # at most, in one look
HISTORY_BYTES = 256 * 1024  # of the file that is there at the first look
MARK_BYTES = 64  # before the place reached; other bytes there mean another content

# Home Assistant's format, homeassistant/bootstrap.py: time, level, (thread), [logger]. Lines of
# another form go on with the record before them: a traceback, a text of several lines.
RECORD = re.compile(
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* (DEBUG|INFO|WARNING|ERROR|CRITICAL) \(.*?\) \["
)
SEVERE = (b"ERROR", b"CRITICAL")


@dataclass(frozen=True)
class News:
    """What was found since the last look."""

    records: int = 0
    errors: int = 0
    ends_in_error: bool | None = None  # the last record's kind; None where there was no record

    def __add__(self, later: News) -> News:
        last = self.ends_in_error if later.ends_in_error is None else later.ends_in_error
        return News(self.records + later.records, self.errors + later.errors, last)


class Lines:
    """Counts records in bytes that come in any pieces; holds no more than one line's beginning."""

    def __init__(self, head: bytes = b"") -> None:
        self._head = head

    def feed(self, part: bytes) -> News:
        """Return the news in the lines that ``part`` ends."""
        lines = part.split(b"\n")
        lines[0] = self._head + lines[0][: HEAD_BYTES - len(self._head)]
        self._head = lines.pop()[:HEAD_BYTES]
        return _judge(lines)

    def end(self) -> News:
        """Return the news in the last line, which no newline ended."""
        head, self._head = self._head, b""
        return _judge([head])


def _judge(lines: list[bytes]) -> News:
    found = [match[1] in SEVERE for line in lines if (match := RECORD.match(line[:HEAD_BYTES]))]
    return News(len(found), sum(found), found[-1] if found else None)


class LogTail:
    """Follows one file by its name.

    Of a file that is there at the first look, at most the last ``history`` bytes are read, and only
    their last record counts. A file that comes and goes between two looks is missed; no other is.
    """

    def __init__(self, path: Path, history: int = HISTORY_BYTES) -> None:
        self._path = path
        self._history: int | None = history  # None when the first look is over
        self._handle: int | None = None
        self._place = 0  # bytes read of the open file
        self._mark = b""  # the last of them
        self._lines = Lines()
        self.problem = ""  # why the file can't be read, in a few words; "" when it can

    def look(self) -> News:
        """Return what is new; a file that is missing or can't be read has no news."""
        try:
            return self._look()
        except OSError as error:  # a card that fails; the other LEDs go on
            self.close()
            self.problem = error.strerror or str(error)
            return News()

    def close(self) -> None:
        """Give the open file back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _look(self) -> News:
        if self._handle is None:
            return self._begin()
        news = self._read()
        if self._is_replaced() and not self._next(1):
            news += self._lines.end()
            self.close()
            news += self._begin()
        return news

    def _begin(self) -> News:
        history = self._history
        if not self._open():
            return News()
        news = self._read()
        if history is None or news.ends_in_error is None:
            return news
        return News(1, int(news.ends_in_error), news.ends_in_error)

    def _open(self) -> bool:
        self.problem = ""
        try:
            # Not a pipe that would be waited for, nor what a link points to.
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(self._path, flags)
        except FileNotFoundError:
            self._history = None
            return False
        except OSError as error:
            self.problem = error.strerror or str(error)
            return False
        seen = os.fstat(handle)
        if not stat.S_ISREG(seen.st_mode):
            os.close(handle)
            self.problem = "not a file"
            return False
        skip = 0 if self._history is None else max(0, seen.st_size - self._history)
        # From one byte earlier, behind a byte that is in no record's beginning: so the line that is
        # cut counts for nothing, and one that begins exactly here is whole.
        self._place, self._lines = (skip - 1, Lines(b"\0")) if skip else (0, Lines())
        self._handle, self._mark, self._history = handle, b"", None
        return True

    def _read(self) -> News:
        news = News()
        if self._is_truncated():
            news += self._lines.end()
            self._place, self._mark = 0, b""
        left = READ_BYTES
        while left > 0 and (part := self._next(left)):
            self._advance(part)
            news += self._lines.feed(part)
            left -= len(part)
        return news

    def _next(self, limit: int) -> bytes:
        assert self._handle is not None
        return os.pread(self._handle, min(CHUNK_BYTES, limit), self._place)

    def _advance(self, part: bytes) -> None:
        self._place += len(part)
        self._mark = (self._mark + part)[-MARK_BYTES:]

    def _is_truncated(self) -> bool:
        assert self._handle is not None
        if os.fstat(self._handle).st_size < self._place:
            return True
        size = len(self._mark)
        return os.pread(self._handle, size, self._place - size) != self._mark

    def _is_replaced(self) -> bool:
        assert self._handle is not None
        try:
            there = os.stat(self._path, follow_symlinks=False)
        except OSError:
            return False  # its writer may still go on with it
        mine = os.fstat(self._handle)
        return (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino)
