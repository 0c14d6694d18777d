"""What became of an entity: renamed, switched off, or gone."""

from __future__ import annotations

from typing import Any

import pytest
from hems.health.registry import OURS, Key, explain, keys
from hems.home_assistant import Access, HomeAssistantError
from hems.watchdog import deep
from hems.watchdog.deep import LEARN_SECONDS, LOOK_SECONDS, Deep

POWER, ENERGY = "sensor.meter_power", "sensor.meter_energy"
KEY = Key("zha", "60:b6-1-2820-power")


def entry(entity: str, key: Key, **more: Any) -> dict[str, Any]:
    return {"entity_id": entity, "platform": key.platform, "unique_id": key.unique_id, **more}


RENAMED = entry("sensor.frient_leistung", KEY)


def test_a_renamed_entity_is_found_by_what_never_changes() -> None:
    learnt = keys([entry(POWER, KEY), entry("sensor.other", Key("zha", "x"))], [POWER])
    assert learnt == {POWER: KEY}
    (lost,) = explain([POWER], [RENAMED], learnt)
    assert (lost.now, str(lost)) == (
        "sensor.frient_leistung",
        "sensor.meter_power is now called sensor.frient_leistung: give it its old id back",
    )


def test_one_that_is_switched_off_or_gone_is_told() -> None:
    off, gone = explain([POWER, ENERGY], [entry(POWER, KEY, disabled_by="user")], {POWER: KEY})
    assert str(off) == "sensor.meter_power is switched off: switch it on"
    assert str(gone) == "there is no sensor.meter_energy"


def test_the_boxs_own_are_known_without_having_been_seen() -> None:
    registered = [entry("sensor.mine", OURS["sensor.hems_power"])]
    (lost,) = explain(["sensor.hems_power"], registered, OURS)
    assert lost.now == "sensor.mine"


class Asked:
    """Home Assistant's WebSocket."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.calls: list[str] = []

    def __call__(self, _: Access) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""

    def call(self, kind: str) -> Any:
        self.calls.append(kind)
        answer = self.answers[kind]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    one = Asked(
        {
            "recorder/info": {"recording": True, "thread_running": True},
            "config/entity_registry/list": [entry(POWER, KEY)],
        }
    )
    monkeypatch.setattr(deep, "HomeAssistant", one)
    return one


def test_it_learns_once_an_hour_and_looks_once_a_minute(asked: Asked) -> None:
    look = Deep(Access(1, "token"), (POWER, ENERGY), {})
    for now in range(0, 600, 30):
        look.look([ENERGY] if now == 0 else [], float(now))
    assert look.learnt == {POWER: KEY} and look.lost == ()
    assert asked.calls.count("config/entity_registry/list") == 1
    assert asked.calls.count("recorder/info") <= 600 / LOOK_SECONDS + 1
    look.look([], LEARN_SECONDS)
    assert asked.calls.count("config/entity_registry/list") == 2


def test_a_rename_is_seen_at_once_and_its_end_too(asked: Asked) -> None:
    look = Deep(Access(1, "token"), (POWER, ENERGY), {POWER: KEY})
    look.look([], 0.0)
    asked.answers["config/entity_registry/list"] = [RENAMED]
    look.look([POWER], 1.0)
    assert look.called(POWER) == "sensor.frient_leistung"
    assert look.learnt == {POWER: KEY}, "what it was called is not forgotten"
    look.look([], 2.0)
    assert look.lost == () and look.called(POWER) == ""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"recording": True, "thread_running": False}, False),
        ({"recording": False, "thread_running": True}, False),
        ({}, True),
        (HomeAssistantError("no such command", "unknown_command"), False),
    ],
)
def test_a_recorder_that_stopped_is_seen(asked: Asked, said: Any, expected: bool) -> None:
    asked.answers["recorder/info"] = said
    look = Deep(Access(1, "token"), (POWER,), {})
    look.look([], 0.0)
    assert look.recording is expected


def test_silence_changes_nothing_but_names_what_is_missing(asked: Asked) -> None:
    look = Deep(Access(1, "token"), (POWER,), {POWER: KEY})
    look.look([], 0.0)
    asked.answers["recorder/info"] = HomeAssistantError("no answer in time")
    look.look([POWER], 1.0)
    assert look.recording and [str(one) for one in look.lost] == ["there is no sensor.meter_power"]
