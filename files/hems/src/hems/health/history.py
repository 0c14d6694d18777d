"""``summary.json``: how the history is, for the watchdog, which may not open the ledger."""

from __future__ import annotations

from pathlib import Path

import msgspec

from hems import whole_file

FILE = "summary.json"
MOST_BYTES = 4096


class Summary(msgspec.Struct, frozen=True):
    """What is missing now."""

    gaps: int = 0  # that are open
    points: int = 0  # readings in them
    since: str = ""  # the oldest one's begin: UTC, ISO 8601
    looked: str = ""  # when all was compared last: UTC, ISO 8601
    problem: str = ""  # why the last run could not do its work

    @property
    def words(self) -> str:
        """Return it in a clause; empty when nothing is missing."""
        if not self.gaps:
            return ""
        why = f"; {self.problem}" if self.problem else ""
        return f"{self.points} readings in {self.gaps} gaps, the oldest of {self.since}{why}"


def write(directory: Path, summary: Summary) -> None:
    """Put it where the watchdog reads it. Raises OSError."""
    content = msgspec.json.encode(summary) + b"\n"
    whole_file.write(directory / FILE, content, mode=0o644)


def read(directory: Path) -> Summary:
    """Return what the last run left; nothing, when there is none that can be read."""
    try:
        with (directory / FILE).open("rb") as stream:
            return msgspec.json.decode(stream.read(MOST_BYTES), type=Summary)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return Summary()
