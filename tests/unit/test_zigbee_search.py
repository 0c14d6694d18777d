"""Pairing's decisions on scripted streams of ZHA's events: who joined, and who is looked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hems.zigbee.pairing.naming import Entity
from hems.zigbee.pairing.search import PATIENCE_SECONDS, own_name

from tests.unit.zha_events import (
    MONITOR,
    READER,
    WINDOW,
    Play,
    bound,
    configured,
    described,
    device,
    entities,
    interview,
    joined,
    log,
    reporting,
)

METER = ("sensor.meter_instantaneous_demand", "sensor.meter_summation_delivered")


@pytest.mark.parametrize("german", [False, True])
def test_the_interview_is_told_in_plain_words(german: bool) -> None:
    play = Play()
    play.hear(*interview(READER))
    play.see(device(READER, german=german))
    assert play.found() == READER
    assert play.said[:6] == [
        f"{READER}: has joined, is asked what it is",
        f"{READER}: is a frient A/S EMIZB-141",
        "frient A/S EMIZB-141: endpoint 1 has 0x0005, on/off",
        "frient A/S EMIZB-141: endpoint 2 has basic, battery, identify, poll control, metering, "
        "meter identification",
        "frient A/S EMIZB-141: metering is bound",
        "frient A/S EMIZB-141: metering reports instantaneous_demand, current_summ_delivered",
    ]
    assert "frient A/S EMIZB-141: gives sensor instantaneous_demand" in play.said
    assert not any("lqi" in line for line in play.said), "it is disabled"


def test_a_device_is_taken_only_when_its_entities_have_all_come() -> None:
    play = Play()
    whole = device(READER)
    play.hear(*interview(READER)[:-1])
    assert play.search.look_up() == [], "it is configured, and not yet initialised"
    play.hear(configured(READER))
    assert play.search.look_up() == [READER]
    for count in (0, 3, 5):
        play.said += play.search.see(replace(whole, entities=whole.entities[:count]), play.now)
        play.now += 1
        assert play.found() is None
    play.see(whole)
    assert play.found() == READER
    assert sum("gives number" in line for line in play.said) == 1


def test_devices_that_join_at_once_are_told_apart() -> None:
    play = Play()
    for first, second in zip(interview(MONITOR), interview(READER), strict=True):
        play.hear(first, second)
    play.see(device(MONITOR), device(READER))
    assert play.found() == READER, "it reads a meter, and the monitor does not"
    chosen = play.search.fitting(play.now)
    assert chosen
    assert [str(one) for one in play.search.others(chosen)] == [f"BITUO TECHNIK SPM01X ({MONITOR})"]
    assert "BITUO TECHNIK SPM01X: metering is bound" in play.said


def test_the_monitor_alone_can_be_the_meter() -> None:
    play = Play()
    play.hear(*interview(MONITOR))
    play.see(device(MONITOR))
    assert play.found() == MONITOR


def test_a_device_in_its_interview_is_waited_for() -> None:
    play = Play()
    play.hear(*interview(MONITOR), joined(READER, 0x1A01))
    play.see(device(MONITOR))
    assert play.found() is None, "the reader could be the one that fits better"
    play.hear(*interview(READER)[1:])
    play.see(device(MONITOR), device(READER))
    assert play.found() == READER


def test_a_device_that_got_stuck_is_not_waited_for_for_ever() -> None:
    play = Play()
    play.hear(joined(READER), *interview(MONITOR))
    play.see(device(MONITOR))
    assert play.found() is None
    play.now = PATIENCE_SECONDS + 1
    assert play.found() == MONITOR


def test_what_is_no_meter_is_left_alone() -> None:
    play = Play()
    thermometer = Entity("sensor.t", f"{MONITOR}-1-1026", None, "temperature", "measurement")
    play.hear(*interview(MONITOR))
    play.see(replace(device(MONITOR), entities=(thermometer,)))
    assert play.found() is None
    assert play.said[-1] == (
        "BITUO TECHNIK SPM01X: does not measure power and energy, so it is not the meter"
    )
    assert play.search.over(play.now) is None
    assert play.search.over(WINDOW) == (
        f"No meter reader was among the devices that joined (BITUO TECHNIK SPM01X ({MONITOR})): "
        "hold its button until it searches for a network, and pair again."
    )


def test_a_device_that_has_another_name_of_ours_keeps_it() -> None:
    play = Play(named={MONITOR: "heat_pump"})
    play.hear(*interview(MONITOR))
    play.see(device(MONITOR, "heat_pump"))
    assert play.found() is None
    kept = "is 'heat_pump' already and stays that until it is deleted in Home Assistant"
    assert f"BITUO TECHNIK SPM01X: {kept}" in play.said
    play.hear(*interview(READER))
    play.see(device(MONITOR, "heat_pump"), device(READER))
    assert play.found() == READER
    chosen = play.search.fitting(play.now)
    assert chosen and play.search.others(chosen) == []


def test_a_device_that_was_deleted_may_get_another_name() -> None:
    """Home Assistant gives it the ids that it had."""
    play = Play("boiler")
    play.hear(*interview(MONITOR))
    play.see(device(MONITOR, "heat_pump"))
    assert play.found() == MONITOR


def test_the_name_of_a_device_is_known_by_its_entities() -> None:
    assert own_name(device(MONITOR, "heat_pump"), METER) == "heat_pump"
    assert own_name(device(MONITOR), METER) is None
    assert own_name(device(READER, "meter"), METER) == "meter"
    anyhow = (Entity("sensor.house_w", f"{READER}-2-1794", "instantaneous_demand", "power"),)
    assert own_name(replace(device(READER), entities=anyhow), ("sensor.house_w",)) == "meter"


@pytest.mark.parametrize("name", ["meter", "boiler"])
def test_who_has_the_name_already_comes_first(name: str) -> None:
    play = Play(name, named={MONITOR: name})
    play.hear(*interview(READER), *interview(MONITOR))
    play.see(device(READER), device(MONITOR, name))
    assert play.found() == MONITOR


def test_a_device_without_values_is_asked_to_join_once_more() -> None:
    play = Play("boiler")
    play.hear(*interview(MONITOR))
    play.see(replace(device(MONITOR), entities=()))
    assert play.found() is None
    assert play.said[-1] == (
        "BITUO TECHNIK SPM01X: gives no values: hold its button until it searches for a network "
        "once more"
    )
    play.hear(*interview(MONITOR))
    play.see(device(MONITOR))
    assert play.found() == MONITOR


def test_any_named_device_is_taken_one_with_energy_first_and_a_meter_reader_last() -> None:
    thermometer = Entity("sensor.t", f"{READER}-1-1026", None, "temperature", "measurement")
    for given in ((thermometer,), device(READER).entities):
        play = Play("boiler")
        play.hear(*interview(READER))
        play.see(replace(device(READER), entities=given))
        assert play.found() == READER
        play.hear(*interview(MONITOR))
        play.see(device(MONITOR))
        assert play.found() == MONITOR


def test_nobody_joins() -> None:
    play = Play()
    assert play.search.over(WINDOW - 1) is None
    assert play.search.over(WINDOW) == (
        "No meter reader joined in time: within a few metres of the dongle, hold its button until "
        "it searches for a network, and pair again."
    )


def test_an_interview_that_does_not_end_is_named() -> None:
    play = Play()
    play.hear(joined(READER))
    play.now = 10.0
    play.hear(described(READER))
    assert play.search.over(WINDOW) is None, "its interview goes on beyond the window"
    assert play.search.over(10.0 + PATIENCE_SECONDS + 1) == (
        f"frient A/S EMIZB-141 ({READER}) joined but did not finish its interview: bring it within "
        "a few metres of the dongle, hold its button until it searches for a network, and pair "
        "again."
    )


def test_a_device_that_comes_back_silently_is_interviewed_again() -> None:
    """ZHA tells only of a new device or a new network address; a reset one has forgotten us."""
    play = Play()
    play.hear(log(f"Device 0x1a00 ({READER}) joined the network"))
    assert play.search.reconfigure(play.now) == []
    play.now = 4.0
    assert play.search.reconfigure(play.now) == [READER]
    assert play.search.reconfigure(play.now) == []
    play.hear(described(READER), configured(READER, "CONFIGURED"))
    play.see(device(READER, "meter"))
    assert play.found() == READER
    play.hear(log(f"Device 0x1a00 ({READER}) joined the network"))
    play.now += 4
    assert play.search.reconfigure(play.now) == [READER], "somebody held the button once more"
    assert play.found() is None


def test_an_old_devices_everyday_talk_is_not_told() -> None:
    play = Play()
    play.hear(bound(MONITOR, "smartenergy_metering"), reporting(MONITOR), log("[0x1A00] x"))
    play.hear({}, {"type": "device_joined"}, {"type": "log_output"}, {"type": "group_added"})
    assert (play.said, play.search.interviews.devices) == ([], {})


def test_a_device_that_joins_twice_is_interviewed_twice() -> None:
    play = Play()
    play.hear(*interview(READER))
    play.said += play.search.see(device(READER), play.now)
    play.hear(joined(READER, 0x1A05))
    assert play.search.look_up() == []
    assert play.found() is None
    play.hear(*interview(READER)[1:])
    play.see(device(READER))
    assert play.found() == READER
    assert len(entities(READER)) == len(play.search.seen[READER].device.entities)


@pytest.mark.parametrize(
    "line", ["Failed to bind cluster on_off: no answer", "Bound cluster on_off: Status.FAILURE"]
)
def test_a_refused_binding_is_told(line: str) -> None:
    play = Play()
    play.hear(joined(READER), log(f"[{READER}] {line}"))
    assert play.said[-1] == f"{READER}: on/off could not be bound"
