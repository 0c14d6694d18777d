"""Merging into Home Assistant's storage keeps everything that is not ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.home_assistant_modules import storage

NOW = "2026-11-01T00:00:00+00:00"
MQTT: dict[str, Any] = {
    "domain": "mqtt",
    "version": 2,
    "minor_version": 1,
    "title": "MQTT",
    "match": [],
    "data": {"broker": "127.0.0.1", "password": "new"},
}
INFLUXDB: dict[str, Any] = {
    "domain": "influxdb",
    "version": 1,
    "minor_version": 1,
    "title": "InfluxDB",
    "match": ["url"],
    "data": {"url": "http://box", "token": "new"},
}


def entries(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["data"]["entries"]
    return found


def test_onboarding_leaves_the_owners_step_open() -> None:
    assert storage.merge_onboarding(None)["data"]["done"] == list(storage.ONBOARDING_STEPS)


def test_onboarding_keeps_the_owners_step() -> None:
    done = ["user", "analytics"]
    current = {"version": 4, "key": "onboarding", "data": {"done": done}}
    merged = storage.merge_onboarding(current)
    assert merged["data"]["done"] == ["user", "analytics", "core_config", "integration"]
    assert storage.merge_onboarding(merged) == merged
    assert done == ["user", "analytics"]  # the argument stays as it was


def test_our_options_are_set_and_an_owners_stay() -> None:
    want = {**MQTT, "options": {"discovery_prefix": "vetted"}}
    made = storage.merge_entries(None, [want], NOW)
    assert entries(made)[0]["options"] == {"discovery_prefix": "vetted"}
    entries(made)[0]["options"] = {"discovery_prefix": "homeassistant", "birth_message": {}}
    merged = storage.merge_entries(made, [want], "later")
    assert entries(merged)[0]["options"] == {"discovery_prefix": "vetted", "birth_message": {}}
    assert entries(merged)[0]["modified_at"] == "later"
    assert storage.merge_entries(merged, [want], "even later") == merged


def people(*owners: bool) -> dict[str, Any]:
    users = [{"id": f"u{n}", "is_owner": owner} for n, owner in enumerate(owners)]
    credentials = [
        {
            "user_id": user["id"],
            "auth_provider_type": "homeassistant",
            "data": {"username": f"name{n}"},
        }
        for n, user in enumerate(users)
    ]
    return {
        "version": 1,
        "key": "auth",
        "data": {"users": users, "credentials": credentials},
    }


@pytest.mark.parametrize(
    ("owners", "name", "then"),
    [
        ((False, False), "name1", [False, True]),  # the file was emptied, and both logged in since
        ((True, False), "name1", [True, False]),  # the owner's name is another by now
        ((False, False), "nobody", [False, False]),
        ((), "name0", []),
    ],
)
def test_a_lost_owner_is_one_again(owners: tuple[bool, ...], name: str, then: list[bool]) -> None:
    before = people(*owners)
    after = storage.merge_auth(before, name)
    assert [user["is_owner"] for user in after["data"]["users"]] == then
    assert before == people(*owners)


def test_what_other_log_ins_say_makes_no_owner() -> None:
    document = people(False)
    document["data"]["credentials"][0]["auth_provider_type"] = "command_line"
    assert storage.merge_auth(document, "name0") == document
    assert storage.merge_auth(None, "name0") is None


def test_http_is_bound_and_keeps_an_owners_proxy() -> None:
    first = storage.merge_http(None, "127.0.0.1", 1234, NOW)
    stable = first["data"]["stable"]
    assert (stable["server_host"], stable["server_port"]) == (["127.0.0.1"], 1234)
    assert stable["trusted_proxies"] == ["127.0.0.1/32"]
    stable["trusted_proxies"] = ["10.1.2.3/32"]
    stable["login_attempts_threshold"] = 3
    stable["server_host"] = ["0.0.0.0"]
    stable["ip_ban_enabled"] = True  # as earlier releases set it
    second = storage.merge_http(first, "127.0.0.1", 1234, "later")["data"]["stable"]
    assert second["trusted_proxies"] == ["10.1.2.3/32", "127.0.0.1/32"]
    assert (second["server_host"], second["login_attempts_threshold"]) == (["127.0.0.1"], 3)
    assert second["created_at"] == NOW
    assert first["data"]["stable"]["ip_ban_enabled"] is True  # the argument stays as it was
    assert second["ip_ban_enabled"] is False


FOREIGN = {"server_host": ["0.0.0.0"], "server_port": 8124, "use_x_forwarded_for": False}


def test_a_trial_that_binds_elsewhere_is_ended() -> None:
    document = storage.merge_http(None, "127.0.0.1", 1234, NOW)
    good = dict(document["data"]["stable"])
    document["data"].update(stable=good | FOREIGN, pending=good | FOREIGN)
    merged = storage.merge_http(document, "127.0.0.1", 1234, "later")["data"]
    assert merged["pending"] is None
    assert merged["stable"]["server_host"] == ["127.0.0.1"]
    assert (merged["stable"]["server_port"], merged["stable"]["use_x_forwarded_for"]) == (
        1234,
        True,
    )


def test_an_owners_trial_of_something_else_goes_on() -> None:
    document = storage.merge_http(None, "127.0.0.1", 1234, NOW)
    trial = dict(document["data"]["stable"], login_attempts_threshold=3)
    document["data"]["pending"] = trial
    assert storage.merge_http(document, "127.0.0.1", 1234, "later")["data"]["pending"] == trial
    for other in ({"server_host": None}, {"trusted_proxies": None}, {"server_port": 80}):
        document["data"]["pending"] = trial | other
        merged = storage.merge_http(document, "127.0.0.1", 1234, "later")
        assert merged["data"]["pending"] is None


def test_a_newer_form_is_refused_in_words() -> None:
    with pytest.raises(storage.StorageError, match="version 9, which is newer than"):
        storage.merge_http({"version": 9, "key": "http"}, "127.0.0.1", 1234, NOW)


def test_entries_are_added_once() -> None:
    first = storage.merge_entries(None, [MQTT, INFLUXDB], NOW)
    assert [entry["domain"] for entry in entries(first)] == ["mqtt", "influxdb"]
    assert storage.merge_entries(first, [MQTT, INFLUXDB], "later") == first


def test_a_new_token_changes_that_key_alone() -> None:
    first = storage.merge_entries(None, [INFLUXDB], NOW)
    entry = entries(first)[0]
    entry["title"], entry["options"], entry["data"]["timeout"] = "Meine", {"x": 1}, 7
    new = {**INFLUXDB, "data": {"url": "http://box", "token": "rotated"}}
    after = entries(storage.merge_entries(first, [new], "later"))[0]
    assert after["data"] == {"url": "http://box", "token": "rotated", "timeout": 7}
    assert (after["title"], after["options"], after["modified_at"]) == ("Meine", {"x": 1}, "later")


def test_an_entry_made_by_hand_for_the_same_service_is_adopted() -> None:
    by_hand = storage.new_entry({**MQTT, "data": {"broker": "other", "keepalive": 30}}, NOW)
    by_hand["entry_id"] = "01HAND"
    document = {"version": 1, "key": "core.config_entries", "data": {"entries": [by_hand]}}
    merged = entries(storage.merge_entries(document, [MQTT], "later"))
    assert [entry["entry_id"] for entry in merged] == ["01HAND"]
    assert merged[0]["data"] == {"broker": "127.0.0.1", "password": "new", "keepalive": 30}


def test_another_database_of_the_owners_stays_beside_ours() -> None:
    theirs = storage.new_entry({**INFLUXDB, "data": {"url": "http://elsewhere", "token": "t"}}, NOW)
    theirs["entry_id"] = "01THEIRS"
    document = {"version": 1, "key": "core.config_entries", "data": {"entries": [theirs]}}
    merged = entries(storage.merge_entries(document, [INFLUXDB], "later"))
    assert merged[0] == theirs
    assert merged[1]["data"]["url"] == "http://box"


@given(st.text(min_size=1, max_size=30))
def test_entry_ids_have_the_form_of_a_ulid(domain: str) -> None:
    made = storage.entry_id(domain)
    assert len(made) == 26
    assert set(made) <= set(storage.ULID_ALPHABET)
    assert made == storage.entry_id(domain)
