"""The old system's accounts and connections, and the box's own, in one."""

from __future__ import annotations

from typing import Any

from hems.balena import accounts

Document = dict[str, Any]


def user(one: str, *, owner: bool = False, system: bool = False) -> Document:
    """Return a user as Home Assistant keeps one."""
    return {"id": one, "name": one, "is_owner": owner, "system_generated": system}


def auth(users: list[Document], names: dict[str, str], tokens: dict[str, str]) -> Document:
    """Return ``auth``: users, log-in names by user, and the user of each token."""
    credentials = [
        {
            "id": f"c-{one}",
            "user_id": one,
            "auth_provider_type": "homeassistant",
            "data": {"username": name},
        }
        for one, name in names.items()
    ]
    refresh = [
        {"id": token, "user_id": one, "credential_id": f"c-{one}"} for token, one in tokens.items()
    ]
    data = {"users": users, "credentials": credentials, "refresh_tokens": refresh}
    return {"version": 1, "key": "auth", "data": data}


OLD = auth(
    [user("o1", owner=True), user("o2"), user("os", system=True)],
    {"o1": "Owner", "o2": "guest"},
    {"t-old": "o1"},
)
BOX = auth(
    [user("b1", owner=True), user("bs", system=True)],
    {"b1": "owner"},
    {"t-box": "b1", "t-system": "bs"},
)


def test_who_has_the_same_name_on_both_is_the_old_user_with_the_boxs_token() -> None:
    data = accounts.merge_users(OLD, BOX)["data"]
    assert [one["id"] for one in data["users"]] == ["o1", "o2", "os"]
    tokens = {one["id"]: one for one in data["refresh_tokens"]}
    assert set(tokens) == {"t-old", "t-box"}
    assert tokens["t-box"]["user_id"] == "o1"
    assert tokens["t-box"]["credential_id"] is None, "it names the credentials of nobody"
    assert [one["id"] for one in data["users"] if one["is_owner"]] == ["o1"]


def test_the_boxs_account_stays_beside_others_and_the_old_owner_is_the_owner() -> None:
    box = auth([user("b1", owner=True)], {"b1": "box"}, {"t-box": "b1"})
    data = accounts.merge_users(OLD, box)["data"]
    assert {one["id"]: one["is_owner"] for one in data["users"]} == {
        "o1": True,
        "o2": False,
        "os": False,
        "b1": False,
    }
    [token] = [one for one in data["refresh_tokens"] if one["id"] == "t-box"]
    assert (token["user_id"], token["credential_id"]) == ("b1", "c-b1")
    assert accounts.names({"data": data}) == {"o1": "owner", "o2": "guest", "b1": "box"}


def test_the_box_keeps_its_owner_where_the_old_system_had_none() -> None:
    old = auth([user("o2")], {"o2": "guest"}, {})
    data = accounts.merge_users(old, BOX)["data"]
    assert [one["id"] for one in data["users"] if one["is_owner"]] == ["b1"]


def test_a_second_merge_changes_nothing() -> None:
    for box in (BOX, auth([user("b1", owner=True)], {"b1": "box"}, {"t-box": "b1"})):
        once = accounts.merge_users(OLD, box)
        assert accounts.merge_users(once, box) == once
    assert accounts.merge_users(OLD, {}) == OLD


def test_of_two_passwords_the_old_one_holds() -> None:
    old = {"data": {"users": [{"username": "owner", "password": "old"}]}}
    box = {
        "data": {
            "users": [
                {"username": "Owner", "password": "box"},
                {"username": "box", "password": "its own"},
            ]
        }
    }
    merged = accounts.merge_passwords(old, box)
    found = {one["username"]: one["password"] for one in merged["data"]["users"]}
    assert found == {"owner": "old", "box": "its own"}


def entry(domain: str, one: str, data: Document, **more: Any) -> Document:
    """Return a config entry."""
    fixed = {"domain": domain, "entry_id": one, "source": "user", "options": {}, "version": 1}
    return {**fixed, "minor_version": 1, "disabled_by": None, "data": data, **more}


def test_entities_keep_their_entry_and_the_box_its_connections() -> None:
    old = {
        "data": {
            "entries": [
                entry("mqtt", "old-mqtt", {"broker": "172.18.4.7"}, disabled_by="user"),
                entry("zha", "old-zha", {"device": {"path": "/dev/ttyUSB0", "baudrate": 115200}}),
                entry("sun", "old-sun", {}),
            ]
        }
    }
    box = {
        "data": {
            "entries": [
                entry("mqtt", "box-mqtt", {"broker": "127.0.0.1"}, version=2),
                entry("influxdb", "box-influxdb", {"token": "box"}),
                entry("sun", "box-sun", {"box": True}),
            ]
        }
    }
    path = "/dev/serial/by-id/usb-ITEAD_SONOFF"
    merged = accounts.merge_entries(old, box, path, ["sun"])
    assert merged["data"]["entries"][2]["disabled_by"] == "user"
    merged = accounts.merge_entries(old, box, path)
    found = {one["entry_id"]: one for one in merged["data"]["entries"]}
    assert list(found) == ["old-mqtt", "old-zha", "old-sun", "box-influxdb"]
    mqtt = found["old-mqtt"]
    assert (mqtt["data"], mqtt["version"]) == ({"broker": "127.0.0.1"}, 2)
    assert mqtt["disabled_by"] is None, "the box measures by it"
    assert found["old-zha"]["data"] == {"device": {"path": path, "baudrate": 115200}}
    assert found["old-sun"]["data"] == {}
    assert accounts.merge_entries(merged, box, path) == merged
    [zha] = accounts.merge_entries({"data": {"entries": [old["data"]["entries"][1]]}}, {}, "")[
        "data"
    ]["entries"]
    assert zha["data"]["device"]["path"] == "/dev/ttyUSB0"
