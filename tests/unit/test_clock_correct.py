"""Points that a wrong clock dated get their right dates, and no others are touched."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hems.clock import core, correct
from hems.clock.core import NS, Step
from hems.clock.database import Database, DatabaseError
from hypothesis import given
from hypothesis import strategies as st

MONDAY = 1_764_000_000 * NS
OUTAGE = 208_800 * NS
CUT = MONDAY - 30 * NS  # the newest point of before the power cut
NOW = MONDAY + OUTAGE + 700 * NS
LATE = Step(MONDAY, MONDAY + 600 * NS, OUTAGE, CUT)
HEAD = 'W,domain=sensor,entity_id=hems_power friendly_name_str="House, \\"x\\"",value='


def note(path: Path, step: Step) -> Path:
    """Write the file that hems-clock writes."""
    seconds = {"begin": step.begin / NS, "end": step.end / NS, "by": step.by / NS}
    path.write_text(json.dumps({**seconds, "newest": step.newest}))
    return path


class Bucket(Database):
    """Points in memory; the ``dies``-th change kills its caller, once it is done or before."""

    def __init__(self, points: dict[int, float], dies: int = 0, done: bool = True) -> None:
        super().__init__(0, "", "")
        object.__setattr__(self, "points", dict(points))
        object.__setattr__(self, "death", [dies, done])

    points: dict[int, float]

    def _query(self, text: str) -> list[dict[str, Any]]:
        if text == "SHOW FIELD KEYS":
            values = [["value", "float"], ["friendly_name_str", "string"]]
            return [{"name": "W", "values": values}]
        first, last = map(int, re.findall(r"time [<>]= (\d+)", text))
        rows = [
            [at, 'House, "x"', value]
            for at, value in sorted(self.points.items())
            if first <= at <= last
        ]
        if not rows:
            return []
        tags = {"domain": "sensor", "entity_id": "hems_power", "unset": ""}
        columns = ["time", "friendly_name_str", "value"]
        return [{"name": "W", "tags": tags, "columns": columns, "values": rows}]

    def _ask(self, path: str, query: dict[str, str], body: bytes) -> None:  # noqa: ARG002
        self._dies(before=True)
        if path == "/api/v2/delete":
            asked = json.loads(body)
            begin, end = (_ns(asked[key]) for key in ("start", "stop"))
            for at in [at for at in self.points if begin <= at <= end]:
                del self.points[at]
        else:
            for line in body.decode().splitlines():
                assert line.startswith(HEAD)
                value, date = line.removeprefix(HEAD).split(" ")
                self.points[int(date)] = float(value)
        self._dies(before=False)

    def _dies(self, *, before: bool) -> None:
        death: list[Any] = object.__getattribute__(self, "death")
        if death[1] is not before:
            death[0] -= 1
            if death[0] == 0:
                raise KeyboardInterrupt


def _ns(text: str) -> int:
    whole, rest = text.removesuffix("Z").split(".")
    return int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * NS + int(rest)


def run(path: Path, bucket: Database, monkeypatch: pytest.MonkeyPatch, now: int = NOW) -> str:
    monkeypatch.setattr(correct.time, "time_ns", lambda: now)
    return correct.correct(path, bucket)


def wrong(count: int = 20, every: int = 30 * NS) -> dict[int, float]:
    return {MONDAY + 7 + number * every: number / 3 for number in range(count)}


OLD = {CUT - number * 10 * NS: 1000.0 + number for number in range(5)}
RIGHT = {MONDAY + OUTAGE + 650 * NS: 1.5}


def moved(directory: Path) -> list[tuple[int, ...]]:
    """Return which wrong dates are told to whoever compares InfluxDB with the recorder."""
    path = directory / correct.MOVED
    assert path.stat().st_mode & 0o777 == 0o644
    return [tuple(map(int, line.split())) for line in path.read_text().splitlines()]


def test_what_a_late_clock_dated_gets_its_right_date_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(OLD | wrong() | RIGHT)
    said = run(note(tmp_path / "1.json", LATE), bucket, monkeypatch)
    assert bucket.points == OLD | RIGHT | {at + OUTAGE: value for at, value in wrong().items()}
    assert said == "20 points in InfluxDB are now dated 208800 s later."
    assert [path.name for path in tmp_path.iterdir()] == [correct.MOVED]
    assert moved(tmp_path) == [(LATE.begin, LATE.end)]


@pytest.mark.parametrize("by", [61 * NS, -61 * NS])
def test_a_step_that_is_shorter_than_the_time_with_the_wrong_clock(
    by: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written lies where other wrong points were."""
    bucket = Bucket(OLD | wrong())
    now = LATE.end + by + 5 * NS
    step = Step(LATE.begin, LATE.end, by, CUT)
    run(note(tmp_path / "1.json", step), bucket, monkeypatch, now)
    moved = {at: value for at, value in wrong().items() if by > 0 or at < step.end + by}
    rest = {at: value for at, value in wrong().items() if at not in moved}
    assert len(rest) == (0 if by > 0 else 2)
    assert bucket.points == OLD | rest | {at + by: value for at, value in moved.items()}


@pytest.mark.parametrize("dies", [1, 2, 3, 4])
@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("by", [OUTAGE, 61 * NS])
def test_a_power_cut_at_any_moment_loses_and_doubles_nothing(
    by: int, done: bool, dies: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correct, "BATCH", 7)  # one deletion and three batches
    points = OLD | wrong()
    bucket = Bucket(points, dies, done)
    path = note(tmp_path / "1.json", Step(LATE.begin, LATE.end, by, CUT))
    with pytest.raises(KeyboardInterrupt):
        run(path, bucket, monkeypatch)
    run(path, bucket, monkeypatch)
    assert bucket.points == OLD | {at + by: value for at, value in wrong().items()}


def test_what_is_older_than_the_start_stays_where_dates_overlap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock came back five minutes before the power cut."""
    cut = MONDAY + 300 * NS
    bucket = Bucket({cut: 5.0} | wrong())
    step = Step(LATE.begin, LATE.end, OUTAGE, cut)
    said = run(note(tmp_path / "1.json", step), bucket, monkeypatch)
    stay = {at: value for at, value in wrong().items() if at <= cut}
    moved = {at + OUTAGE: value for at, value in wrong().items() if at > cut}
    assert len(stay) == len(moved) == 10
    assert bucket.points == {cut: 5.0} | stay | moved
    assert "10 points" in said
    assert "What is dated 2025-11-24 16:00:00 to 2025-11-24 16:05:00 UTC stays as it is" in said


def test_nothing_is_moved_when_nobody_knows_what_is_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(wrong())
    step = Step(LATE.begin, LATE.end, OUTAGE, None)
    said = run(note(tmp_path / "1.json", step), bucket, monkeypatch)
    assert bucket.points == wrong()
    assert "keep their wrong dates" in said
    assert list(tmp_path.iterdir()) == []


def test_a_clock_that_was_ahead_by_more_than_it_ran_is_corrected_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Step(LATE.begin, LATE.end, -3600 * NS, CUT - 7200 * NS)
    bucket = Bucket(wrong())
    run(note(tmp_path / "1.json", step), bucket, monkeypatch, LATE.end - 3600 * NS + 5 * NS)
    assert bucket.points == {at - 3600 * NS: value for at, value in wrong().items()}


def test_an_ahead_clocks_range_is_emptied_only_as_far_as_no_right_point_can_be_in_it() -> None:
    step = Step(MONDAY, MONDAY + 3600 * NS, -3000 * NS, CUT)
    now = MONDAY + 605 * NS
    before, after = core.movable(step, now)
    assert before == (MONDAY, MONDAY + 600 * NS - 1)
    assert after == (now + core.SOON_NS, step.end)
    later = now + 1000 * NS  # InfluxDB was away meanwhile
    emptied = core.deletable(step, [before, after], later)
    assert emptied == [before, (later + core.SOON_NS, step.end)]
    assert core.deletable(step, [before, after], step.end) == [before]


def test_an_influxdb_that_is_away_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = note(tmp_path / "1.json", LATE)
    with pytest.raises(DatabaseError, match="does not answer"):
        run(path, Database(1, "", ""), monkeypatch)
    bucket = Bucket(wrong())
    run(path, bucket, monkeypatch)
    assert sorted(bucket.points) == [at + OUTAGE for at in sorted(wrong())]


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"begin": 2, "end": 1, "by": 1, "newest": 0}', '{"begin": "x"}']
)
def test_a_file_that_is_broken_is_set_aside(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in ("influxdb_token_hems", "influxdb_token_home_assistant"):
        (tmp_path / name).write_text("token\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    settings: Any = type("Settings", (), {"ports": type("Ports", (), {"influxdb": 1})})
    monkeypatch.setattr(correct, "read", lambda *_: settings)
    monkeypatch.setattr(correct.sys, "argv", ["correct", str(tmp_path)])
    (tmp_path / "1.json").write_text(text)
    (tmp_path / "0.points").write_text("left by a power cut")
    assert correct.main() == 0
    assert (tmp_path / "1.broken").read_text() == text
    assert not (tmp_path / "0.points").exists()
    assert "set aside" in capsys.readouterr().err


def test_a_point_is_the_same_but_for_its_time() -> None:
    series = {
        "name": "k W,h=",
        "tags": {"entity id": "a,b=c d", "none": ""},
        "columns": ["time", "value", "count", "on", "state", "gone"],
        "values": [[5, 3, 4, True, 'a "q" \\ b\nc', None], [6, None, None, None, None, None]],
    }
    types = {"k W,h=": {"value": "float", "count": "integer", "on": "boolean", "state": "string"}}
    types["k W,h="]["gone"] = "float"
    head = "k\\ W\\,h=,entity\\ id=a\\,b\\=c\\ d"
    fields = 'value=3.0,count=4i,on=true,state="a \\"q\\" \\\\ b\nc"'
    assert list(core.lines(series, types, 10)) == [f"{head} {fields} 15"]


@given(
    begin=st.integers(0, 2**60),
    length=st.integers(0, 2**50),
    by=st.integers(-(2**58), 2**58).filter(bool),
    newest=st.integers(0, 2**61),
    now=st.integers(0, 2**61),
)
def test_what_is_moved_and_what_is_left_are_the_whole(
    begin: int, length: int, by: int, newest: int, now: int
) -> None:
    step = Step(begin, begin + length, by, newest)
    ranges = core.movable(step, now)
    both = sorted([*ranges, *core.left(step, ranges)])
    assert both[0][0] == begin
    assert both[-1][1] == begin + length
    assert all(one[1] + 1 == two[0] for one, two in _pairs(both))
    assert all(first > newest for first, _ in ranges), "nothing of before the start"


def _pairs(ranges: Sequence[core.Range]) -> list[tuple[core.Range, core.Range]]:
    return list(pairwise(ranges))


def test_slices_are_the_range() -> None:
    cut = list(core.slices([(3, 3), (10, 10 + 3 * core.SLICE_NS)]))
    assert cut[0] == (3, 3)
    assert cut[1][0] == 10
    assert cut[-1][1] == 10 + 3 * core.SLICE_NS
    assert all(one[1] + 1 == two[0] for one, two in _pairs(cut[1:]))
