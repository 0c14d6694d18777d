"""The counts and sums that prove a copy of the readings."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hems.backup import BackupError
from hems.backup.influx import Figures, Influx, differing
from hems.backup.shards import newest

from tests.unit.modules import ROOT

BUCKET = "home_assistant"
INFLUX = Influx(1, "hems", BUCKET, "a-secret")
MINUTE, HOUR, DAY = 60 * 10**9, 3600 * 10**9, 86400 * 10**9
NOW = 1_795_000_000 * 10**9 // DAY * DAY + 13 * HOUR


def group(begin: str, end: str, number: int, **more: Any) -> dict[str, Any]:
    """Return a shard group as InfluxDB's list has it."""
    shards = [{"id": number, "fileName": f"{number}.tar"}]
    return {"id": number, "startTime": begin, "endTime": end, "shards": shards, **more}


def test_the_newest_files_are_those_of_the_last_day() -> None:
    groups = [
        group("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", 1),
        group("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", 2),
        group("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z", 3),
        group("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z", 4, deletedAt="2026-11-22T00:10:00Z"),
        group("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z", 5),  # made beforehand
    ]
    one = {"bucketName": BUCKET, "retentionPolicies": [{"name": "autogen", "shardGroups": groups}]}
    whole = {"manifestVersion": 2, "buckets": [{"bucketName": "_tasks"}, one]}
    until = int(datetime(2026, 11, 22, 0, 5, tzinfo=UTC).timestamp()) * 10**9
    found = newest(whole, BUCKET, until)
    assert found is not None and found.files == ("2.tar", "3.tar")
    assert found.begin == int(datetime(2026, 11, 21, tzinfo=UTC).timestamp()) * 10**9
    [bucket] = found.manifest["buckets"]
    assert [one["id"] for one in bucket["retentionPolicies"][0]["shardGroups"]] == [2, 3]
    assert found.manifest["manifestVersion"] == 2 and len(groups) == 5
    assert newest(whole, BUCKET, until + 9 * DAY) is None


def test_counts_are_compared_exactly_and_sums_but_for_rounding() -> None:
    one = Figures(1, {"W count_value": 3, "W sum_value": 0.1 + 0.2 + 0.3})
    assert differing(one, Figures(1, {"W count_value": 3, "W sum_value": 0.3 + 0.2 + 0.1})) == []
    assert differing(one, Figures(1, {"W count_value": 4, "W sum_value": 0.6})) == ["W count_value"]
    assert differing(one, Figures(1, {"W count_value": 3, "W sum_value": 0.61})) == ["W sum_value"]
    assert differing(one, Figures(1, {"W count_value": 3})) == ["W sum_value"]


@dataclass
class Server:
    """An InfluxDB with readings at some times (ns), a file for each day, and its command."""

    buckets: dict[str, set[int]]
    busy: int = 0  # copies that lack what it has in memory: the readings of the last hour
    filled: list[int] = field(default_factory=list)  # old readings, each added during a copy
    copies: int = 0

    def command(self, verb: str, *arguments: str) -> None:
        """Do what ``influx`` does."""
        directory = Path(arguments[-1])
        if verb == "backup":
            self._copy(directory)
        else:
            name = arguments[1].removeprefix("--new-bucket=")
            [file] = directory.glob("*.manifest")
            found = json.loads(file.read_bytes())["buckets"]
            names = [
                shard["fileName"]
                for one in found
                for group in one["retentionPolicies"][0]["shardGroups"]
                for shard in group["shards"]
            ]
            times = [json.loads((directory / one).read_bytes()) for one in names]
            self.buckets[name] = {at for one in times for at in one}

    def _copy(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        assert not list(directory.iterdir()), "what an earlier copy left would be a part of this"
        self.copies += 1
        times = {at for at in self.buckets[BUCKET] if self.copies > self.busy or at < NOW - HOUR}
        groups = []
        for day in sorted({at // DAY for at in self.buckets[BUCKET]}):
            name = f"{self.copies}.{day}.tar"
            (directory / name).write_text(json.dumps([at for at in times if at // DAY == day]))
            ends = [datetime.fromtimestamp(one * 86400, UTC).isoformat() for one in (day, day + 1)]
            shards = [{"id": day, "fileName": name}]
            groups.append({"startTime": ends[0], "endTime": ends[1], "shards": shards})
        bucket = {"bucketName": BUCKET, "retentionPolicies": [{"shardGroups": groups}]}
        content = json.dumps({"buckets": [bucket]})
        (directory / f"{self.copies}.manifest").write_text(content)
        if self.filled:
            self.buckets[BUCKET].add(self.filled.pop())

    def figures(self, bucket: str, until: int, since: int = 0) -> Figures:
        """Count readings."""
        there = [at for at in self.buckets[bucket] if since <= at < until]
        return Figures(until, {"W count_value": len(there)} if there else {})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return one with a reading a minute of the last two days."""
    made = Server({BUCKET: set(range(NOW - 2 * DAY, NOW, MINUTE))})
    for name in ("command", "figures"):
        method = getattr(made, name)
        monkeypatch.setattr(
            Influx, name, lambda _self, *words, _do=method: _do(*words), raising=True
        )
    monkeypatch.setattr(Influx, "drop", lambda _self, bucket: made.buckets.pop(bucket, None))
    return made


def test_a_copy_is_proven_up_to_its_last_minute(tmp_path: Path, server: Server) -> None:
    found = INFLUX.back_up(tmp_path / "copy", lambda: NOW)
    assert found == server.figures(BUCKET, NOW - MINUTE) and server.copies == 1
    assert server.buckets.keys() == {BUCKET}, "what was unpacked is dropped"
    names = sorted(path.name for path in (tmp_path / "copy").iterdir())
    assert [one for one in names if one.endswith(".manifest")] == ["1.manifest"]
    assert list(tmp_path.iterdir()) == [tmp_path / "copy"]


def test_a_copy_without_the_newest_readings_is_made_again(tmp_path: Path, server: Server) -> None:
    server.busy = 2
    found = INFLUX.back_up(tmp_path / "copy", lambda: NOW)
    assert found == server.figures(BUCKET, NOW - MINUTE) and server.copies == 3
    assert {path.name.split(".")[0] for path in (tmp_path / "copy").iterdir()} == {"3"}


def test_one_that_lacks_them_each_time_is_kept_and_is_no_proof(
    tmp_path: Path, server: Server
) -> None:
    server.busy = 9
    assert INFLUX.back_up(tmp_path / "copy", lambda: NOW) is None
    assert list((tmp_path / "copy").glob("*.tar"))


def test_a_gap_that_is_filled_meanwhile_has_the_copy_made_again(
    tmp_path: Path, server: Server
) -> None:
    server.filled = [NOW - DAY + 1]
    found = INFLUX.back_up(tmp_path / "copy", lambda: NOW)
    assert found == server.figures(BUCKET, NOW - MINUTE) and server.copies == 2


def test_a_copy_without_a_file_for_the_last_day_is_none_if_there_are_readings(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hems.backup.influx.newest", lambda *_words: None)
    assert INFLUX.back_up(tmp_path / "copy", lambda: NOW) is None
    server.buckets[BUCKET] = {NOW - 2 * DAY}
    assert INFLUX.back_up(tmp_path / "copy", lambda: NOW) is not None


def test_a_list_that_is_not_understood_is_told(tmp_path: Path, server: Server) -> None:
    server.buckets["other"] = server.buckets[BUCKET]
    with pytest.raises(BackupError, match="no list that is understood"):
        replace(INFLUX, bucket="other").back_up(tmp_path / "copy", lambda: NOW)


def test_it_does_not_show_its_token() -> None:
    assert "a-secret" not in repr(INFLUX)


def test_the_server_waits_for_a_slow_backup() -> None:
    # With http-write-timeout, influx backup ends in "unexpected EOF" (influxdb#16739).
    template = ROOT / "roles/influxdb/templates/etc/influxdb/config.toml.j2"
    assert "http-write-timeout" not in template.read_text(encoding="utf-8")
