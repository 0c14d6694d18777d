"""A pause is bridged once, whatever ends the run on the way, and its energy is exact."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hems.history import HistoryError, bridging
from hems.history.bridge import Pause
from hems.history.compare import SECOND
from hems.history.fill import History, Limits
from hems.history.influxdb import Influxdb
from hems.history.ledger import BRIDGED, Gap, Ledger
from hems.history.line import Reading
from hems.history.recorder import Recorder
from hems.home_assistant import Access, HomeAssistantError

from tests.unit.history_sides import FakeInfluxdb, write_recorder

MINUTE = 60 * SECOND
BEGIN = 29_403_170 * MINUTE
COUNTER = {"unit_of_measurement": "kWh", "state_class": "total_increasing"}


class Statistics:
    """Home Assistant's side: notes what is mended, and is away as told."""

    def __init__(self) -> None:
        self.mended: list[tuple[str, str, Pause]] = []
        self.away = False
        self.refused: set[str] = set()
        self.asked: list[str] = []

    def __call__(self, access: Access) -> Statistics:
        self.asked.append(access.token)
        if access.token in self.refused:
            raise HomeAssistantError("Home Assistant refuses the token.", "auth_invalid")
        if self.away:
            raise HomeAssistantError("Home Assistant does not answer.")
        return self

    def __enter__(self) -> Statistics:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def mend(self, _: Any, entity: str, unit: str, pause: Pause) -> int:
        self.mended.append((entity, unit, pause))
        return 2


@pytest.fixture
def statistics(monkeypatch: pytest.MonkeyPatch) -> Statistics:
    """Home Assistant with its statistics."""
    found = Statistics()
    monkeypatch.setattr("hems.history.bridging.HomeAssistant", found)
    monkeypatch.setattr("hems.history.statistics.mend", found.mend)
    return found


def counted(minute: int, state: str, entity: str = "sensor.m") -> Reading:
    return Reading(entity, BEGIN + minute * MINUTE, state, COUNTER)


def run(directory: Path, influxdb: FakeInfluxdb, now: int, token: str = "good") -> list[Gap]:
    with (
        closing(Ledger(directory / "ledger.db")) as book,
        closing(Recorder(directory / "recorder.db", ["sensor"], [])) as recorder,
    ):
        limits = Limits(100, 1000, 60, 300)
        history = History(recorder, cast(Influxdb, influxdb), book, [], limits, now)
        return bridging.bridge_pauses(history, Access(1, token))


def test_a_pause_is_bridged_once(tmp_path: Path, statistics: Statistics) -> None:
    readings = [counted(0, "10.0"), counted(1, "unavailable"), counted(40, "14.0")]
    watts = {"unit_of_measurement": "W"}
    power = [replace(one, entity="sensor.p", attributes=watts) for one in readings]
    write_recorder(tmp_path / "recorder.db", readings + power)
    influxdb = FakeInfluxdb()
    now = BEGIN + 60 * MINUTE
    assert run(tmp_path, influxdb, BEGIN + 50 * MINUTE) == []  # its hour is not made yet
    # Home Assistant is away: nothing is written down, and the next run does it all.
    statistics.away = True
    with pytest.raises(HistoryError, match="does not answer"):
        run(tmp_path, influxdb, now)
    statistics.away = False
    [gap] = run(tmp_path, influxdb, now)
    assert (gap.entity, gap.state, gap.points) == ("sensor.m", BRIDGED, 7)
    assert gap.cause == bridging.UNHEARD
    assert gap.detail == "4.000 kWh spread evenly; 2 hours of Home Assistant's statistics mended"
    pause = Pause(BEGIN, 10.0, BEGIN + 40 * MINUTE, 14.0)
    assert statistics.mended == [("sensor.m", "kWh", pause)]
    written = dict(influxdb.lines)
    assert {series for series, _ in written} == {"kWh,bridged=yes,domain=sensor,entity_id=m"}
    assert len(written) == 7
    # None of them counts as measured, and nothing is done again.
    assert influxdb.counts(0, 2 * now) == {}
    assert run(tmp_path, influxdb, now) == []
    assert influxdb.lines == written
    assert len(statistics.mended) == 1


def test_a_refused_token_is_not_sent_again(tmp_path: Path, statistics: Statistics) -> None:
    readings = [counted(0, "10.0"), counted(1, "unavailable"), counted(40, "14.0")]
    write_recorder(tmp_path / "recorder.db", readings)
    statistics.refused = {"bad"}
    now = BEGIN + 60 * MINUTE
    for token in ("bad", "bad", "bad", "", "other"):
        if token == "other":
            assert len(run(tmp_path, FakeInfluxdb(), now, token)) == 1
        else:
            with pytest.raises(HistoryError, match="refuses"):
                run(tmp_path, FakeInfluxdb(), now, token)
    assert statistics.asked == ["bad", "other"]
