"""The counts and sums that prove a copy of the readings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hems.backup.influx import Figures, Influx, differing

from tests.unit.modules import ROOT

INFLUX = Influx(1, "hems", "home_assistant", "a-secret")


def test_counts_are_compared_exactly_and_sums_but_for_rounding() -> None:
    one = Figures(1, {"W count_value": 3, "W sum_value": 0.1 + 0.2 + 0.3})
    assert differing(one, Figures(1, {"W count_value": 3, "W sum_value": 0.3 + 0.2 + 0.1})) == []
    assert differing(one, Figures(1, {"W count_value": 4, "W sum_value": 0.6})) == ["W count_value"]
    assert differing(one, Figures(1, {"W count_value": 3, "W sum_value": 0.61})) == ["W sum_value"]
    assert differing(one, Figures(1, {"W count_value": 3})) == ["W sum_value"]


def test_a_gap_that_is_filled_meanwhile_has_the_copy_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter([1, 2, 2])
    made = []

    def command(_influx: Influx, _verb: str, *arguments: str) -> None:
        made.append(arguments)
        (tmp_path / "1.tar").touch(exist_ok=False)

    monkeypatch.setattr(
        Influx,
        "figures",
        lambda _self, _bucket, until: Figures(until, {"W count_value": next(counts)}),
    )
    monkeypatch.setattr(Influx, "command", command)
    found = INFLUX.back_up(tmp_path, 10**18)
    assert found is not None and found.values == {"W count_value": 2}
    assert len(made) == 2


def test_it_does_not_show_its_token() -> None:
    assert "a-secret" not in repr(INFLUX)


def test_the_server_waits_for_a_slow_backup() -> None:
    # With http-write-timeout, influx backup ends in "unexpected EOF" (influxdb#16739).
    template = ROOT / "roles/influxdb/templates/etc/influxdb/config.toml.j2"
    assert "http-write-timeout" not in template.read_text(encoding="utf-8")
