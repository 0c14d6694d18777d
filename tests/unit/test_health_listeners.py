"""Who listens in the house's network, by the kernel's own tables."""

from __future__ import annotations

from hems.health.listeners import Listener, exposed, look, parse

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
REST = "00000000:00000000 00:00000000 00000000"
V4 = HEAD + "".join(
    f"   {number}: {local} 00000000:0000 {state} {REST} {uid}        0 44721 1 0 100 0 0 10 0\n"
    for number, (local, state, uid) in enumerate(
        [
            ("0100007F:1FBB", "0A", 990),  # 127.0.0.1:8123
            ("00000000:1FBC", "0A", 990),  # 0.0.0.0:8124
            ("3200A8C0:1FBC", "01", 990),  # a connection, not a listener
            ("00000000:1F96", "0A", 0),  # 0.0.0.0:8086, opened by root
            ("00000000:0016", "0A", 0),
            ("00000000:5247", "0A", 990),  # 21063
        ]
    )
)
V6 = HEAD + "".join(
    f"   0: {local} {'0' * 32}:0000 0A {REST} 990        0 1 1 0 100 0 0 10 0\n"
    for local in (
        "00000000000000000000000000000000:1FBB",  # [::]:8123
        "00000000000000000000000001000000:1FBB",  # [::1]:8123
        "0000000000000000FFFF00000100007F:1FBB",  # [::ffff:127.0.0.1]:8123
    )
)
OWNERS = {990: "home-assistant.service", 101: "mosquitto.service"}
INNER = {8123: "home-assistant.service", 8086: "influxdb.service"}


def test_the_tables_are_read() -> None:
    assert parse(V4)[:2] == [Listener("127.0.0.1", 8123, 990), Listener("0.0.0.0", 8124, 990)]
    assert len(parse(V4)) == 5
    assert [one.is_loopback for one in parse(V6)] == [False, True, True]
    assert str(parse(V6)[0]) == "[::]:8123"
    assert parse(HEAD) == parse("") == []


def test_who_listens_past_the_door_is_told() -> None:
    found = exposed([*parse(V4), *parse(V6)], OWNERS, INNER, {21063})
    assert {name: [str(one) for one in where] for name, where in found.items()} == {
        "home-assistant.service": ["0.0.0.0:8124", "[::]:8123"],
        "influxdb.service": ["0.0.0.0:8086"],
    }


def test_what_only_the_box_reaches_or_is_meant_is_no_matter() -> None:
    inner = [one for one in parse(V4) if one.is_loopback]
    assert exposed(inner, OWNERS, INNER, ()) == {}
    assert exposed(parse(V4), OWNERS, INNER, {8124, 8086, 21063}) == {}


def test_this_machines_own_tables_are_understood() -> None:
    assert all(0 < one.port < 65536 for one in look())


def test_a_port_of_its_own_is_told_before_the_user_that_opened_it() -> None:
    editor = {3218: "hass-configurator.service", **INNER}
    found = exposed([Listener("0.0.0.0", 3218, 990)], OWNERS, editor, ())
    assert list(found) == ["hass-configurator.service"]
