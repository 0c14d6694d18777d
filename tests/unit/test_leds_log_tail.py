"""Following a log: the same answer as from reading every line, whatever happens to the file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hems.leds.log_tail import HEAD_BYTES, HISTORY_BYTES, READ_BYTES, LogTail, News

ERROR = b"2026-11-22 07:15:01.123 ERROR (MainThread) [homeassistant.components.mqtt] gone\n"
CRITICAL = b"2026-11-22 07:15:01.123 CRITICAL (Recorder) [homeassistant.core] very gone\n"
WARNING = b"2026-11-22 07:15:02.123 WARNING (MainThread) [homeassistant.setup] slow\n"
OFFSET = b"2026-11-22 07:15:02.123+0100 ERROR (SyncWorker_1) [homeassistant.setup] zone\n"
TRACEBACK = b'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: ERROR\n'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "home-assistant.log"


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def counts(news: News) -> tuple[int, int]:
    return news.records, news.errors


def test_records_are_counted_and_errors_among_them(log: Path) -> None:
    tail = LogTail(log)
    assert counts(tail.look()) == (0, 0), "there is no log yet"
    append(log, WARNING + ERROR + TRACEBACK)
    assert counts(tail.look()) == (2, 1)
    assert counts(tail.look()) == (0, 0)
    append(log, CRITICAL + OFFSET + WARNING)
    assert counts(tail.look()) == (3, 2)
    tail.close()


def test_a_traceback_that_comes_late_is_no_record(log: Path) -> None:
    tail = LogTail(log)
    tail.look()
    append(log, ERROR)
    assert counts(tail.look()) == (1, 1)
    append(log, TRACEBACK)
    assert counts(tail.look()) == (0, 0)


@pytest.mark.parametrize(("last", "errors"), [(ERROR, 1), (WARNING, 0)])
def test_of_what_is_there_at_first_the_last_record_counts(
    log: Path, last: bytes, errors: int
) -> None:
    append(log, ERROR + WARNING + last + TRACEBACK)
    assert counts(LogTail(log).look()) == (1, errors)


@pytest.mark.parametrize("cut", [0, 1, len(WARNING) - 1])
def test_a_large_log_is_read_from_near_its_end(log: Path, cut: int) -> None:
    """Also where the place to begin lies on, before or within a line."""
    filling = (HISTORY_BYTES - len(ERROR)) // len(WARNING)
    append(log, ERROR * 4096 + WARNING * filling + b"x" * cut + b"\n" + ERROR)
    assert counts(LogTail(log).look()) == (1, 1)
    tail = LogTail(log, history=len(ERROR))
    assert counts(tail.look()) == (1, 1), "a line that begins exactly there is whole"
    tail = LogTail(log, history=len(ERROR) - 1)
    assert counts(tail.look()) == (0, 0), "half a line is none"
    append(log, WARNING)
    assert counts(tail.look()) == (1, 0)
    append(log, b"quoted: " + ERROR)
    tail = LogTail(log, history=len(ERROR))
    assert counts(tail.look()) == (0, 0), "what looks like a record within a line is none"


def test_a_rotation_loses_nothing(log: Path) -> None:
    tail = LogTail(log)
    append(log, WARNING)
    tail.look()
    append(log, ERROR + b"2026-11-22 07:15:03.000 ERROR (MainThread) [last] without newline")
    log.rename(log.with_suffix(".log.1"))
    assert counts(tail.look()) == (1, 1), "its writer may still go on with it"
    append(log, ERROR + WARNING)
    assert counts(tail.look()) == (3, 2)
    assert counts(tail.look()) == (0, 0)


def test_a_truncated_log_is_read_from_its_beginning(log: Path) -> None:
    tail = LogTail(log)
    append(log, WARNING * 3)
    tail.look()
    log.write_bytes(ERROR)
    assert counts(tail.look()) == (1, 1)


def test_a_truncated_log_that_has_grown_again_is_noticed(log: Path) -> None:
    tail = LogTail(log)
    append(log, WARNING * 3)
    tail.look()
    log.write_bytes(ERROR + WARNING * 10)
    assert counts(tail.look()) == (11, 1)


def test_huge_and_binary_lines_survive(log: Path) -> None:
    tail = LogTail(log)
    tail.look()
    append(log, ERROR.rstrip() + b"x" * (3 * READ_BYTES) + b"\n" + bytes(range(256)) * 64 + WARNING)
    looks = [counts(tail.look()) for _ in range(6)]
    assert sum(errors for _, errors in looks) == 1
    assert len(tail._lines._head) <= HEAD_BYTES
    append(log, b"\xff\xfe\x00" * 100000 + b"\n" + ERROR)
    assert counts(tail.look()) == (1, 1)


def test_what_is_no_file_is_not_followed(log: Path) -> None:
    tail = LogTail(log)
    os.mkfifo(log)
    assert counts(tail.look()) == (0, 0)
    assert tail.problem == "not a file"
    log.unlink()
    log.symlink_to("/etc/passwd")
    tail.look()
    assert "symbolic links" in tail.problem
    log.unlink()
    append(log, ERROR)
    assert counts(tail.look()) == (1, 1)
    assert tail.problem == ""


def test_a_card_that_fails_is_a_problem_and_no_end(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail = LogTail(log)
    append(log, WARNING)
    tail.look()
    with monkeypatch.context() as broken:
        broken.setattr(os, "pread", _fails)
        assert counts(tail.look()) == (0, 0)
    assert tail.problem == "Input/output error"
    append(log, ERROR)
    assert tail.look().errors == 1
    assert tail.problem == ""


def _fails(*_: object) -> bytes:
    raise OSError(errno.EIO, os.strerror(errno.EIO))
