"""The meter's constant: who is told it, that it is told each time, what is said when it fails."""

from __future__ import annotations

import argparse

import pytest
from hems.cli.zigbee.pair import arguments
from hems.home_assistant import HomeAssistantError
from hems.zigbee.pairing import pulses
from hems.zigbee.pairing.joined import PairingError, Request

from tests.unit.zha_events import MONITOR, READER, entities
from tests.unit.zha_house import METER, SITES, House

NUMBER = "number.meter_pulse_configuration"
ASLEEP = HomeAssistantError("Home Assistant refuses call_service: no answer.", pulses.NO_ANSWER)


def agree(
    monkeypatch: pytest.MonkeyPatch,
    house: House,
    ieee: str,
    request: Request,
    site: int = SITES,
) -> int | None:
    """Pair a device in a house whose meter has the site's constant; return what it counts by."""
    monkeypatch.setattr(pulses, "PAUSE_SECONDS", 0.0)
    house.pair(monkeypatch, ieee, request)
    session = house.session(monkeypatch, site)
    return pulses.agree(session, session.registry.devices()[ieee], request)


def written(house: House) -> list[object]:
    return [data["value"] for action, data in house.actions if action == "number.set_value"]


@pytest.mark.parametrize(
    ("site", "asked", "constant"),
    [(1_000, None, 1_000), (10_000, None, 10_000), (10_000, 500, 500)],
)
def test_the_houses_reader_is_told_the_sites_constant_or_the_one_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, site: int, asked: int | None, constant: int
) -> None:
    house = House(READER)
    request = Request("meter", 240, pulses=asked)
    assert agree(monkeypatch, house, READER, request, site) == constant
    assert house.actions == [
        ("number.set_value", {"entity_id": NUMBER, "value": constant}),
        ("homeassistant.update_entity", {"entity_id": [NUMBER, *METER]}),
    ]
    assert house.said[-1] == f"The meter's LED flashes {constant} times per kWh."


def test_what_home_assistant_shows_is_no_reason_not_to_tell_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A read that failed leaves in ZHA what the reader was before it was reset."""
    house = House(READER)
    for _ in range(2):
        assert agree(monkeypatch, house, READER, Request("meter", 240), 500) == 500
        assert house.values[NUMBER] == "500.0"
    assert written(house) == [500, 500]


def test_a_second_reader_is_told_only_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(READER)
    assert agree(monkeypatch, house, READER, Request("shop", 240), 500) is None
    assert house.actions == []
    assert agree(monkeypatch, house, READER, Request("shop", 240, pulses=800), 500) == 800
    assert house.values == {"number.shop_pulse_configuration": "800.0"}


def test_a_monitor_has_no_pulses(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(MONITOR)
    assert pulses.setting(entities(MONITOR)) is None
    assert agree(monkeypatch, house, MONITOR, Request("meter", 240)) is None
    assert not any("imp/kWh" in line for line in house.said)
    assert agree(monkeypatch, house, MONITOR, Request("meter", 240), 500) is None
    assert house.said[-1] == (
        "Note: Home Assistant can't set the meter's 500 imp/kWh in BITUO TECHNIK SPM01X: if it "
        "counts flashes, compare its kWh with the meter's."
    )
    with pytest.raises(PairingError) as refused:
        agree(monkeypatch, house, MONITOR, Request("meter", 240, pulses=500))
    assert str(refused.value) == (
        "It is paired, but BITUO TECHNIK SPM01X has no number of pulses per kWh that Home "
        "Assistant could set: pair it without --pulses, or set the number as its manual says."
    )
    assert house.actions == []


def test_a_sleepy_reader_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(READER)
    house.refusals = [ASLEEP, ASLEEP]
    assert agree(monkeypatch, house, READER, Request("meter", 240), 500) == 500
    assert written(house) == [500, 500, 500]


def test_a_reader_that_is_never_told_is_named_with_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulses, "AGREE_SECONDS", 0.0)
    house = House(READER)
    house.refusals = [ASLEEP] * 1_000
    with pytest.raises(PairingError) as failed:
        agree(monkeypatch, house, READER, Request("meter", 240), 500)
    assert str(failed.value) == (
        "It is paired, but could not be set to 500 pulses per kWh (Home Assistant refuses "
        "call_service: no answer), so its kWh and W may be wrong by a constant factor: bring it "
        "closer to the dongle, hold its button until it searches for a network, and pair again."
    )


def test_a_refusal_that_stays_one_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(READER)
    house.refusals = [HomeAssistantError("It is out of range.", "service_validation_error")] * 2
    with pytest.raises(PairingError, match=r"\(It is out of range\)"):
        agree(monkeypatch, house, READER, Request("meter", 240), 500)
    assert written(house) == [500]


@pytest.mark.parametrize(("said", "shown"), [("999", "is 999"), ("unknown", "is unknown")])
def test_it_is_read_back(monkeypatch: pytest.MonkeyPatch, said: str, shown: str) -> None:
    monkeypatch.setattr(pulses, "AGREE_SECONDS", 0.0)
    house = House(READER)
    house.answers[NUMBER] = said
    with pytest.raises(PairingError, match=rf"\({NUMBER} {shown}"):
        agree(monkeypatch, house, READER, Request("meter", 240), 500)


@pytest.mark.parametrize("text", ["49", "10001", "1000.0", "-5", "many"])
def test_a_constant_that_no_reader_takes_is_refused(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    arguments(parser)
    assert parser.parse_args(["--pulses", "50"]).pulses == 50
    assert parser.parse_args([]).pulses is None
    with pytest.raises(SystemExit):
        parser.parse_args([f"--pulses={text}"])
    assert f"'{text}' is not a number from 50 to 10000" in capsys.readouterr().err
