"""Following a log through any sequence of writing, rotating and truncating."""

from __future__ import annotations

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from hems.leds.log_tail import HEAD_BYTES, RECORD, LogTail, News
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_leds_log_tail import (
    CRITICAL,
    ERROR,
    OFFSET,
    TRACEBACK,
    WARNING,
    append,
    counts,
)

LINES = st.sampled_from(
    [
        ERROR,
        CRITICAL,
        WARNING,
        OFFSET,
        TRACEBACK,
        b"\n",
        b"\x00\xff ERROR (x) [y]\n",
        b"2026-11-22 07:15:02 ERROR (" + b"t" * 1000 + b") [too.long]\n",
        b"z" * 70000 + b"\n",
    ]
)


class Writer:
    """Writes to a log that is rotated and truncated, and remembers all of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = [b""]  # each file's whole content
        self.number = 0
        path.touch()

    def write(self, line: bytes) -> None:
        # Time goes on: no record is the same as one before it.
        self.number += 1
        line = re.sub(rb"07:15:\d\d(\.\d+)?", b"07:15:01.%06d" % self.number, line)
        self.files[-1] += line
        append(self.path, line)

    def rotate(self) -> None:
        self.path.replace(self.path.with_suffix(".log.1"))
        self.path.touch()
        self.files.append(b"")

    def truncate(self) -> None:
        os.truncate(self.path, 0)
        self.files.append(b"")

    def expected(self) -> tuple[int, int]:
        """Read every line of every file at leisure."""
        lines = [line[:HEAD_BYTES] for file in self.files for line in file.split(b"\n")]
        found = [match[1] for line in lines if (match := RECORD.match(line))]
        return len(found), sum(level in (b"ERROR", b"CRITICAL") for level in found)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), LINES),
        st.tuples(st.just("half"), st.integers(1, 80)),
        st.tuples(st.sampled_from(["look", "rotate", "truncate"]), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_any_sequence_gives_what_reading_every_line_gives(steps: list[tuple[str, object]]) -> None:
    with TemporaryDirectory() as directory:
        writer = Writer(Path(directory) / "log")
        tail = LogTail(writer.path)
        total = tail.look()
        for action, value in steps:
            if isinstance(value, bytes):
                writer.write(value)
            elif action == "half":
                assert isinstance(value, int)
                writer.write(ERROR[:value])
                total += tail.look()
            elif action == "look":
                total += tail.look()
            else:
                # What is written and taken away between two looks is nobody's to see.
                total += tail.look()
                getattr(writer, action)()
                if action == "rotate":
                    total += tail.look()
        writer.rotate()  # ends the last line
        for _ in range(2):
            total += tail.look()
        tail.close()
        assert counts(total) == writer.expected()


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES, max_size=12), st.lists(st.integers(1, 200), max_size=60))
def test_any_split_gives_the_same(lines: list[bytes], sizes: list[int]) -> None:
    with TemporaryDirectory() as directory:
        log = Path(directory) / "log"
        tail, total, content = LogTail(log), News(), b"".join(lines)
        tail.look()
        for size in sizes:
            append(log, content[:size])
            content = content[size:]
            total += tail.look()
        append(log, content)
        total += tail.look()
        tail.close()
        whole = Path(directory) / "whole"
        once = LogTail(whole)
        once.look()
        append(whole, b"".join(lines))
        assert total == once.look()
        once.close()
