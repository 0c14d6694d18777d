"""The old readings are written, counted at the far end, and get their hours and days."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hems.balena import BalenaError, readings
from hems.history.influxdb import Written
from hems.history.ledger import Ledger
from hems.history.rolling import ROLLED

DAY = 86400 * 10**9
NOW = 20_000 * DAY
LINES = [
    f"W,domain=sensor,entity_id=p {name} {NOW - at * DAY}\n"
    for name in ("value=1", 'friendly_name_str="My, p"')
    for at in range(100, 0, -10)
]


@dataclass
class Fake:
    """InfluxDB's two calls; ``loses`` values of each question's answer, refuses some lines."""

    loses: int = 0
    refuses: int = 0
    written: list[str] = field(default_factory=list)

    def write(self, lines: Sequence[str]) -> Written:
        """Keep them."""
        self.written += lines
        return Written(tuple(range(self.refuses)), "field type conflict" if self.refuses else "")

    def question(self, question: str) -> Iterator[tuple[dict[str, Any], list[list[Any]]]]:
        """Answer counts of whole fields, in the window that is asked for."""
        words = question.split()
        begin, end = int(words[words.index(">=") + 1]), int(words[words.index("<") + 1])
        times = [int(line.rsplit(" ", 1)[1]) for line in self.written if " value=" in line]
        count = sum(begin <= at < end for at in times)
        if count:
            columns = ["time", "count_friendly_name_str", "count_value"]
            yield {"name": "W", "columns": columns}, [[0, count, count - self.loses]]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """The history's, with hours and days proven until now."""
    with closing(Ledger(tmp_path / "ledger.db")) as made:
        made.advance(ROLLED, NOW)
        yield made


def copy(fake: Fake, ledger: Ledger) -> str:
    """Copy the lines."""
    return readings.copy(fake, ledger, LINES, lambda _line: None)  # type: ignore[arg-type]


def test_all_are_written_and_their_hours_are_made_again(ledger: Ledger) -> None:
    fake = Fake()
    assert copy(fake, ledger) == "20 values of readings are in InfluxDB."
    assert fake.written == [line.removesuffix("\n") for line in LINES]
    assert ledger.progress(ROLLED) == NOW - 100 * DAY


def test_what_is_not_there_afterwards_is_no_success(ledger: Ledger) -> None:
    with pytest.raises(BalenaError, match=r"^4 values of the old readings are not in InfluxDB"):
        copy(Fake(loses=1), ledger)


def test_what_influxdb_refuses_is_told(ledger: Ledger) -> None:
    said = copy(Fake(loses=1, refuses=4), ledger)
    assert said.endswith("in InfluxDB, 4 were refused (field type conflict).")


def test_none_at_all_is_no_error(ledger: Ledger) -> None:
    fake: Any = Fake()
    said = readings.copy(fake, ledger, [], lambda _line: None)
    assert said == "The old InfluxDB has no readings." and ledger.progress(ROLLED) == NOW


@pytest.mark.parametrize(
    ("code", "out", "sentence"),
    [
        (0, "Broken Blocks: 0 / 768, in 0.002s", ""),
        # It ends well all the same, as 2.9.1 does.
        (0, "Broken Blocks: 2 / 768, in 0.002s", r"are damaged \(2 of 768 blocks\): copy the"),
        (1, "", r"are damaged, or this box has no influxd .+ \(Error: mmapAccessor: invalid"),
    ],
)
def test_what_influxd_says_of_the_old_files_is_understood(
    code: int, out: str, sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    err = "Error: mmapAccessor: invalid indexStart\nSee 'influxd -h' for help\n"
    done = subprocess.CompletedProcess([], code, out, err if code else "")
    monkeypatch.setattr(subprocess, "run", lambda *_words, **_more: done)
    if not sentence:
        readings.verify(tmp_path)
        return
    with pytest.raises(BalenaError, match=sentence):
        readings.verify(tmp_path)


def test_a_volume_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    (tmp_path / readings.BOLT).touch()
    with pytest.raises(BalenaError, match=r"lacks the old InfluxDB's influxd.bolt or engine/data"):
        readings.bucket(tmp_path, "")
