"""Lines of the old InfluxDB, its buckets, and what of both is the box's."""

from __future__ import annotations

import io
import json

import pytest
from hems.balena import BalenaError
from hems.balena.exported import DAY, Bucket, Reader, buckets, choose, renamed


def record(one: str, name: str, updated: str = "", kind: int = 0) -> bytes:
    """Return a bucket's record as influxd writes it into its bolt file."""
    fields = {"id": one, "orgID": "c01e0027cfe8f958", "type": kind, "name": name}
    return json.dumps({**fields, "updatedAt": updated}, separators=(",", ":")).encode()


def test_buckets_that_have_data_are_found_in_a_bolt_file() -> None:
    bolt = b"\x00\xff".join(
        [
            record("a" * 16, "was", "2026-01-01"),
            record("a" * 16, 'is "it", now', "2026-02-01"),
            record("b" * 16, "deleted"),
            record("c" * 16, "_monitoring", kind=1),
            record("d" * 16, "half")[:-20],
        ]
    )
    found = buckets(bolt, lambda one: one[0] in "acd")
    assert found == [Bucket("a" * 16, 'is "it", now')]


def test_the_only_bucket_the_usual_one_or_the_named_one_is_chosen() -> None:
    one, usual = Bucket("1", "energy"), Bucket("2", "home_assistant")
    assert choose([one], "") == one
    assert choose([one, usual], "") == usual
    assert choose([one, usual], "energy") == one
    with pytest.raises(BalenaError, match=r"no bucket 'x' \(it has: energy\): .*-e bucket="):
        choose([one], "x")
    with pytest.raises(BalenaError, match="it has: none"):
        choose([], "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("W,domain=sensor,entity_id=power", "W,domain=sensor,entity_id=power"),
        ("W,building=old,domain=sensor,entity_id=power", "W,domain=sensor,entity_id=power"),
        (
            "sensor,domain=sensor,entity_id=power,friendly_name=My\\ power\\,\\ x,"
            "unit_of_measurement=W",
            "W,domain=sensor,entity_id=power",
        ),
        ("a\\,b\\ c,domain=sensor,entity_id=x", "a\\,b\\ c,domain=sensor,entity_id=x"),
    ],
)
def test_a_series_has_the_boxs_own_tags(old: str, new: str) -> None:
    assert renamed(old) == new


def test_each_line_is_read_whole_and_counted_once() -> None:
    text = (
        "W,domain=sensor,entity_id=p value=1 10\n"
        "W,domain=sensor,entity_id=p value=2 20\n"
        'W,domain=sensor,entity_id=p name_str="a \\"b\\" = 3\nand 4 5\n" 20\n'
        "W,domain=sensor,entity_id=p value=1 10\n"  # a file that is there twice
        "kWh,domain=sensor,entity_id=e value=3 -5\n"
    )
    reader = Reader()
    lines = list(reader.read(io.StringIO(text, newline="\n")))
    assert len(lines) == 5
    assert lines[2] == 'W,domain=sensor,entity_id=p name_str="a \\"b\\" = 3\nand 4 5\n" 20'
    assert (reader.lines, reader.first, reader.last) == (5, -5, 20)
    assert reader.values == {("W", "value"): 2, ("W", "name_str"): 1, ("kWh", "value"): 1}


def test_a_line_that_is_none_is_refused() -> None:
    with pytest.raises(BalenaError, match="a line that is none"):
        list(Reader().read(["W value=1 10\n", "half a li"]))


def test_files_come_in_any_order_and_one_that_is_there_twice_counts_once() -> None:
    hour = DAY // 24
    # Shards by their names: 1, 10, 2; then a file within a day that is there twice, in part.
    files = [range(48), range(240, 264), range(48, 96), range(96, 110), range(104, 110)]
    reader = Reader()
    text = [f"W,domain=sensor value=1 {at * hour}\n" for one in files for at in one]
    assert len(list(reader.read(text))) == len(text)
    assert reader.values == {("W", "value"): len({at for one in files for at in one})}
