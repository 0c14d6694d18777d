"""The catalogue, the health file, when an issue opens, and what Home Assistant is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hems.health import announce, store
from hems.health.catalogue import KINDS, SEVERITIES, Issue, issue, parse, rank
from hems.health.debounce import Debounce
from hems.health.inside import parse_entries, parse_meter, parse_state
from hems.health.meter import MeterClock, find
from hems.health.vitals import parse_memory, parse_throttled

from tests.unit.service_entries import kind as kind_of

NOW = 5000.0
TIME = "2026-11-22T07:15:00Z"


def test_every_kind_says_everything_to_everybody() -> None:
    for code, kind in KINDS.items():
        assert kind.code == code and code == code.lower()
        assert kind.severity in SEVERITIES
        assert 0 <= kind.blink <= 9
        assert (kind.blink == 0) == (kind.severity == "notice")
        for words in (kind.meaning, kind.does, kind.cure):
            assert words.endswith(".") and "\n" not in words, code
        assert kind.title and not kind.title.endswith(".")


def test_the_page_explains_every_code() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/health.md").read_text()
    for code, kind in KINDS.items():
        row = f"| `{code}` | {kind.severity} | {kind.blink} | {kind.title} |"
        assert row in page, code


def test_a_code_can_not_be_there_twice() -> None:
    entry = '[[kind]]\ncode="a"\nseverity="notice"\nblink=0\n'
    entry += 'title="t"\nmeaning="m"\ndoes="d"\ncure="c"\n'
    with pytest.raises(ValueError, match="twice"):
        parse(entry * 2)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    door = Issue(kind_of("door_down"))
    issues = [issue("no_internet", "silence"), door, issue("service_stopped")]
    store.write(path, issues, NOW, TIME)
    report = store.read(path, NOW + 30)
    assert [item.kind.code for item in report.issues] == [
        "door_down",
        "no_internet",
        "service_stopped",
    ]
    assert report.worst is not None and report.worst.kind.blink == 8
    assert path.stat().st_mode & 0o777 == 0o644
    assert [file.name for file in tmp_path.iterdir()] == ["health.json"]


def test_a_box_that_is_well_has_nothing_to_blink(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    store.write(path, [issue("service_stopped")], NOW, TIME)
    assert store.read(path, NOW).worst is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": 2}',
        '{"format": 1, "monotonic": "x", "issues": []}',
        '{"format": 1, "monotonic": 4999, "issues": [{"code": "unheard_of"}]}',
        '{"format": 1, "monotonic": 4000, "issues": []}',
        '{"format": 1, "monotonic": 6000, "issues": []}',
    ],
)
def test_a_report_that_says_nothing_is_the_watchdogs_silence(text: str) -> None:
    (only,) = store.parse(text, NOW).issues
    assert only.kind.code == "watchdog_silent"
    assert only.detail


def test_no_report_is_the_watchdogs_silence(tmp_path: Path) -> None:
    assert store.read(tmp_path / "none", NOW).issues[0].kind.code == "watchdog_silent"


def test_an_issue_opens_after_its_hold_and_closes_at_once() -> None:
    debounce, gone = Debounce(), issue("no_internet", "silence")
    hold = gone.kind.hold
    assert debounce.open([gone], 0.0, "a") == ()
    assert debounce.open([gone], hold - 1, "b") == ()
    (opened,) = debounce.open([gone], hold, "c")
    (later,) = debounce.open([issue("no_internet", "still")], hold + 60, "d")
    assert (opened.since, later.since, later.detail) == ("c", "c", "still")
    assert debounce.open([], hold + 90, "e") == ()
    assert debounce.open([gone], hold + 120, "f") == (), "its hold starts anew"


def test_two_of_one_kind_are_told_apart() -> None:
    debounce = Debounce(scale=0)
    first, second = issue("service_stopped", "", "a.service"), issue("service_stopped", "", "b")
    assert len(debounce.open([first, second], 0.0, TIME)) == 2
    assert [item.subject for item in debounce.open([second], 1.0, TIME)] == ["b"]


def test_a_flat_load_is_fresh_and_a_clock_step_makes_no_reading_old() -> None:
    clock = MeterClock(100.0)

    def silence(reported: str | None, now: float) -> float:
        return clock.silence({"reported": reported}, now)

    assert silence("2026-11-22T07:15:00+00:00", 130.0) == 30, "it may be of yesterday"
    assert silence("2026-11-22T07:15:30+00:00", 190.0) == 0
    assert silence("2026-11-22T07:15:30+00:00", 200.0) == 10
    assert silence("2019-01-01T00:00:00+00:00", 220.0) == 0, "a reading under a wrong clock"
    assert silence(None, 1000.0) == 780


def test_a_device_that_repeats_itself_is_heard_and_one_that_is_gone_is_not() -> None:
    clock = MeterClock(0.0)
    assert clock.silence({"reported": "a"}, 10.0) == 10
    # The value does not change any more; ZHA is asked from 600 s on.
    assert clock.silence({"heard": "x"}, 600.0) == 600
    assert clock.silence({"heard": "y"}, 900.0) == 0, "repeated after 900 s"
    assert clock.silence({"reported": "a"}, 1500.0) == 600
    assert clock.silence({"heard": "y"}, 1500.0) == 600
    assert clock.silence({"heard": "y"}, 2100.0) == 1200


def test_the_device_that_has_the_entity_is_found() -> None:
    registered: list[dict[str, Any]] = [
        {"entity_id": "sensor.hems_power", "device_id": None},
        {"entity_id": "sensor.meter", "device_id": "b"},
    ]
    devices: list[dict[str, Any]] = [
        {"device_reg_id": "a", "last_seen": "1"},
        {"device_reg_id": "b", "last_seen": "2"},
    ]
    assert find(registered, devices, "sensor.meter") == "2"
    assert find(registered, devices, "sensor.hems_power") is None
    assert find(registered, devices, "sensor.mqtt") is None


def test_a_meter_without_a_value_was_not_heard() -> None:
    good = {"state": "230.0", "last_reported": "t", "last_changed": "s"}
    assert parse_meter(good) == "t"
    assert parse_meter(good | {"state": "unavailable"}) is None
    assert parse_meter(None) is None


def test_entries_that_a_person_switched_off_do_not_count() -> None:
    entries = parse_entries(
        [
            {"domain": "zha", "title": "Z", "state": "not_loaded", "disabled_by": "user"},
            {"domain": "mqtt", "title": "", "state": "setup_retry", "reason": "refused"},
        ]
    )
    assert [(entry.domain, entry.title, entry.ok) for entry in entries] == [("mqtt", "mqtt", False)]


def test_recovery_mode_is_not_running() -> None:
    assert parse_state({"state": "RUNNING", "recovery_mode": False}) == "RUNNING"
    assert parse_state({"state": "RUNNING", "recovery_mode": True}) == "in recovery mode"


def test_measures_are_read() -> None:
    text = "MemTotal:        8000 kB\nMemFree:  1 kB\nMemAvailable:    2000 kB\n"
    assert parse_memory(text) == 25.0
    assert parse_memory("") is None
    assert parse_throttled("throttled=0x50005\n") == 0x50005
    assert parse_throttled("VCHI initialization failed") is None


def test_home_assistant_is_told_of_one_device_with_fixed_ids() -> None:
    messages = announce.discovery("vetted", "Cottage", "0.1.0", "https://cottage.local/")
    contents = [json.loads(message.payload) for message in messages]
    assert all(message.retain for message in messages)
    assert {content["default_entity_id"] for content in contents} == {
        "binary_sensor.hems_problem",
        "sensor.hems_health",
        "sensor.hems_issue",
    }
    assert {json.dumps(content["device"]) for content in contents} == {
        json.dumps(contents[0]["device"])
    }
    # The broker's rule for account hems: its own topics and vetted/+/hems/+/config.
    assert all(message.topic.split("/")[2] == "hems" for message in messages)


def test_the_state_names_the_most_severe_issue() -> None:
    issues = sorted([issue("no_internet"), issue("disk_full", "96 % used")], key=rank)
    message = announce.state(issues)
    content = json.loads(message.payload)
    assert message.retain and message.topic == "hems/hems/health"
    assert (content["state"], content["worst"]) == ("critical", "The disk is full: 96 % used")
    assert json.loads(announce.state([]).payload) == {"state": "ok", "worst": "none", "issues": []}


def test_the_box_announces_itself_when_that_is_due_and_says_always_how_it_is() -> None:
    there, renamed = ([announce.Message("vetted/a", name, retain=True)] for name in "xy")
    outbox, state = announce.Outbox(), announce.state([])
    outbox.put(there, state)
    for now in (100.0, 105.0):  # until the broker has taken it
        assert outbox.due(now) == (*there, state)
    outbox.delivered(outbox.due(110.0), 110.0)
    outbox.put(list(there), state)
    # Home Assistant waits for five seconds without it.
    assert {outbox.due(110.0 + later) for later in range(1, 60)} == {(state,)}
    outbox.delivered((state,), 130.0)
    assert outbox.due(110.0 + announce.REPEAT_SECONDS) == (*there, state)
    outbox.put(renamed, state)
    assert outbox.due(112.0) == (*renamed, state)
