"""What Home Assistant hears of a device's announcement, and what it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hems.discovery.book import BYTES, CHANGES, ENTITIES, PROBLEMS, Book, Retained
from hems.discovery.vet import PAYLOAD_BYTES, RefusedError, vet

from tests.virtual.meter.discovery import announcement

ACCOUNTS = ("meter", "meter_2", "bench", "box")


def power(**more: Any) -> dict[str, Any]:
    return {
        "unique_id": "meter_power",
        "state_topic": "hems/meter/power",
        "device": {"identifiers": ["meter_1"], "name": "Meter"},
        **more,
    }


def heard(said: Any, component: str = "sensor", account: str = "meter") -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        vet(component, account, json.dumps(said).encode(), ACCOUNTS)
    )
    return content


@pytest.mark.parametrize("message", announcement("meter"), ids=lambda message: message.topic)
def test_a_meters_announcement_is_heard_as_it_is(message: Any) -> None:
    component = message.topic.split("/")[1]
    said = json.loads(message.payload)
    content = heard(said, component)
    assert content == {key: said[key] for key in content}
    assert said.keys() - content.keys() <= {"origin"}


def test_abbreviations_and_the_base_topic_are_understood() -> None:
    said = {
        "~": "hems/meter",
        "uniq_id": "meter_e",
        "stat_t": "~/energy",
        "avty": [{"t": "~/status", "pl_avail": "on"}],
        "val_tpl": "{{ value_json.e | float }}",
        "unit_of_meas": "kWh",
        "dev": {"ids": "meter_1", "mf": "x", "sw": 1.5},
        "exp_aft": 60,
    }
    assert heard(said) == {
        "unique_id": "meter_e",
        "state_topic": "hems/meter/energy",
        "availability": [{"topic": "hems/meter/status", "payload_available": "on"}],
        "value_template": "{{ value_json.e | float }}",
        "unit_of_measurement": "kWh",
        "device": {"identifiers": ["meter_1"], "manufacturer": "x", "sw_version": "1.5"},
        "expire_after": 60,
    }


def test_what_a_meter_does_not_need_is_left_out() -> None:
    more = {
        "json_attributes_template": "{% for i in range(10**9) %}{% endfor %}",
        "last_reset_value_template": "{{ lipsum(9) }}",
        "command_topic": "homeassistant/status",
        "name": None,
    }
    device = {"identifiers": ["meter_1"], "connections": [["mac", "02:00:00:00:00:01"]]}
    content = heard(power(**more, device=device | {"via_device": "hems_box", "name": None}))
    assert content == power(name=None, device={"identifiers": ["meter_1"]})


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"value_template": "{% for i in range(10**9) %}{% endfor %}"}, "value_template"),
        ({"state_topic": "hems/bench/power"}, "begins with hems/meter/"),
        ({"state_topic": "hems/meter/#"}, "begins with hems/meter/"),
        ({"state_topic": "hems/meter"}, "begins with hems/meter/"),
        ({"state_topic": None}, "no state_topic"),
        ({"unique_id": None}, "no unique_id"),
        ({"unique_id": "x" * 200}, "unique_id"),
        ({"unique_id": "a\nb"}, "unique_id"),
        ({"device": None}, "no device"),
        ({"device": {}}, "no identifiers"),
        ({"device": {"identifiers": []}}, "1 to 4"),
        ({"device": "x"}, "no JSON object"),
        ({"availability": [{"topic": "x"}]}, "availability: its topic"),
        ({"default_entity_id": "sensor.hems_power"}, "the box's own"),
        ({"default_entity_id": "light.x"}, "does not begin with 'sensor.'"),
        ({"expire_after": -1}, "expire_after"),
        ({"expire_after": True}, "expire_after"),
        ({"force_update": "yes"}, "force_update"),
        ({"state_class": "odd"}, "state_class"),
        ({"options": ["x"] * 99}, "options"),
        ({"icon": "x"}, "icon"),
        ({"device_class": "Power!"}, "device_class"),
    ],
)
def test_the_rest_is_refused_by_name(more: dict[str, Any], why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        heard(power(**more))


@pytest.mark.parametrize("component", ["light", "update", "device_automation", "tag", "camera"])
def test_a_meter_is_a_sensor(component: str) -> None:
    with pytest.raises(RefusedError, match="not among binary_sensor, sensor"):
        heard(power(), component)


@pytest.mark.parametrize(
    "payload", [b"", b"x", b"[]", b"[" * 8000, b"\xff", b"1", b"{}" + b" " * PAYLOAD_BYTES]
)
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    with pytest.raises(RefusedError):
        vet("sensor", "meter", payload, ACCOUNTS)


@pytest.mark.parametrize(
    ("account", "said", "identifier"),
    [
        ("meter", "meter_power", "meter_power"),
        ("meter", "meter", "meter"),
        ("meter", "meters_power", "meter:meters_power"),
        ("meter", "0x00124b", "meter:0x00124b"),
        ("meter", "bench_power", "meter:bench_power"),
        ("meter", "meter_2_power", "meter:meter_2_power"),  # the other account's
        ("meter_2", "meter_2_power", "meter_2_power"),
        ("meter", "hems_meter_power", "hems_meter_power"),
        ("meter", "hems_meter_2_power", "meter:hems_meter_2_power"),
        ("meter", "hems_box", "meter:hems_box"),
        ("box", "hems_box_problem", "box:hems_box_problem"),
    ],
)
def test_no_device_takes_anothers_identifiers(account: str, said: str, identifier: str) -> None:
    content = heard(
        power(unique_id=said, state_topic=f"hems/{account}/x", device={"identifiers": said}),
        account=account,
    )
    assert content["unique_id"] == identifier
    assert content["device"]["identifiers"] == [identifier]


def text(**more: Any) -> bytes:
    return json.dumps(power(**more)).encode()


@pytest.fixture
def book() -> Book:
    return Book("vetted", ACCOUNTS, ("hems", "linky"))


TOPIC = "homeassistant/sensor/meter/power/config"
OURS = "vetted/sensor/meter/power/config"


def test_what_is_announced_is_told_once_and_taken_back(book: Book) -> None:
    (told,) = book.announced(TOPIC, text(), 0)
    assert (told.topic, json.loads(told.payload)) == (OURS, power())
    assert book.announced(TOPIC, text(), 1) == []
    assert book.announced(TOPIC, text(icon="no icon"), 2) == [Retained(OURS)]
    assert "icon" in book.problems[TOPIC]
    assert book.announced(TOPIC, text(), 3) == [told]
    assert book.problems == {}
    assert book.announced(TOPIC, b"", 4) == [Retained(OURS)]
    assert book.announced(TOPIC, b"", 5) == []


def test_what_an_owner_deletes_in_home_assistant_is_gone(book: Book) -> None:
    book.announced(TOPIC, text(), 0)
    assert book.taken_out(OURS) == [Retained(TOPIC)]
    assert book.taken_out(OURS) == []


def test_an_account_that_is_gone_is_taken_out(book: Book) -> None:
    gone = "homeassistant/sensor/gone/power/config"
    assert book.announced(gone, text(), 0) == [Retained(gone)]
    assert book.announced(gone, b"", 1) == []
    book.announced(TOPIC, text(), 2)
    kept = [OURS, "vetted/sensor/gone/power/config", "vetted/sensor/hems/health/config"]
    assert book.left_over(kept) == [Retained("vetted/sensor/gone/power/config")]


def test_an_account_has_so_many_entities_and_bytes(book: Book) -> None:
    for number in range(ENTITIES):
        topic = f"homeassistant/sensor/meter/{number}/config"
        assert len(book.announced(topic, text(), number)) == 1
    assert book.announced(TOPIC, text(), 0) == []
    assert "has announced 40 entities" in book.problems[TOPIC]
    other = "homeassistant/sensor/bench/power/config"
    assert book.announced(other, text(state_topic="hems/bench/x"), 0) != []
    large = Book("vetted", ACCOUNTS, ("hems", "linky"))
    wide = text(options=["x" * 128] * 32)
    for number in range(ENTITIES):
        large.announced(f"homeassistant/sensor/meter/{number}/config", wide, number)
    assert sum(map(len, large.told.values())) <= BYTES
    assert any("bytes" in problem for problem in large.problems.values())


def test_an_account_changes_so_often(book: Book) -> None:
    told = sum(
        len(book.announced(TOPIC, text(icon=f"mdi:x{number}"), number / 10))
        for number in range(CHANGES + 50)
    )
    assert told == CHANGES + 1  # the last takes it back
    assert "within an hour" in book.problems[TOPIC]
    assert book.announced(TOPIC, text(), 4000) != []


def test_refused_messages_fill_no_memory(book: Book) -> None:
    for number in range(1000):
        book.announced(f"homeassistant/light/meter/{number}/config", text(), number)
    assert len(book.problems) == PROBLEMS
    assert book.told == {}
