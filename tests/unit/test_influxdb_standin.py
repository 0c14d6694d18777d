"""The stand-in's decisions: which lines are good, what a statement is, who may do what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.modules import ROOT
from tests.virtual.influxdb2_standin import packaging
from tests.virtual.influxdb2_standin.server import VERSION, store
from tests.virtual.influxdb2_standin.server.access import Access
from tests.virtual.influxdb2_standin.server.config import BadConfig, load
from tests.virtual.influxdb2_standin.server.http import ApiError, Request
from tests.virtual.influxdb2_standin.server.influxql import split
from tests.virtual.influxdb2_standin.server.lines import doubtful, is_plain, reserved_tag
from tests.virtual.influxdb2_standin.server.model import (
    DAY,
    Authorization,
    Bucket,
    Permission,
    State,
    User,
    hash_password,
    hash_token,
    is_password,
    operator_permissions,
)
from tests.virtual.influxdb2_standin.server.people import check_password
from tests.virtual.influxdb2_standin.server.points import predicate

NOW = "1763800000000000000"


def authorization(*permissions: Permission, status: str = "active") -> Authorization:
    """Return the authorization of token ``secret``."""
    kept = hash_token("secret")
    return Authorization("a", kept, "org", "user", "", permissions, "", "", "", status)


@pytest.mark.parametrize(
    "line",
    [
        f'W,domain=sensor,entity_id=meter_power value=430,friendly_name_str="Meter power" {NOW}',
        "m v=1",
        "°C,entity_id=t value=-3.5",
        "m a=1i,b=t,c=false",
    ],
)
def test_plain_lines_are_not_shown_to_the_engine_twice(line: str) -> None:
    assert is_plain(line, "ns")
    assert doubtful(f"# comment\n\n{line}\n", "ns") == []


@pytest.mark.parametrize(
    "line",
    [
        "m",
        "m v=",
        "m v=1 x",
        "m v=1 1 1",
        "m,a v=1",
        "m,a=b,a=c v=1",
        "m,time=1 v=1",
        "m\\ n v=1",
        "m v=1e400",
        "m v=NaN",
        "m v=1u",
        " m v=1",
        "m v=9999999999999999999i",
        f"m v=1 9{NOW}",
    ],
)
def test_what_is_not_plainly_good_is_judged_by_the_engine(line: str) -> None:
    assert doubtful(f"ok v=1\n{line}\nok v=2", "ns") == [line]


def test_a_newline_in_a_string_belongs_to_its_line() -> None:
    assert doubtful('m v="a\nb" 1\nok v=1', "ns") == ['m v="a\nb" 1']
    assert doubtful('m v="never closed\nok v=1', "ns") == ['m v="never closed\nok v=1']


def test_a_timestamp_that_overflows_in_its_unit_is_doubtful() -> None:
    assert is_plain("m v=1 1763800000", "s")
    assert not is_plain(f"m v=1 {NOW}", "s")


def test_reserved_tags_are_named() -> None:
    assert reserved_tag("m,a=b,_field=c v=1", "ns") == "_field"
    assert reserved_tag("m,a=b v=1", "ns") is None


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_line_is_lost_or_invented(batch: str) -> None:
    for line in doubtful(batch, "ns"):
        assert line in batch


def test_statements_are_split_where_influxql_does() -> None:
    query = """SELECT "a;b" FROM m WHERE x = 'it\\'s; fine' -- no; more
    ; /* ; */ SHOW MEASUREMENTS;;"""
    assert [statement.words[0] for statement in split(query)] == ["SELECT", "SHOW"]


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("create database x", "CREATE DATABASE"),
        ("SELECT v INTO x FROM m", "SELECT INTO"),
        ('SELECT "INTO" FROM m', None),
        ("GRANT ALL TO x", "GRANT ALL"),
        ("GRANT READ ON x TO y", "GRANT"),
        ("SHOW MEASUREMENT EXACT CARDINALITY", "SHOW MEASUREMENT CARDINALITY"),
        ("SHOW MEASUREMENTS", None),
        ("DROP MEASUREMENT m", None),
        ("KILL QUERY 1", "SHOW QUERIES"),
    ],
)
def test_statements_that_influxdb_2_refuses(query: str, refused: str | None) -> None:
    assert split(query)[0].refused == refused


def test_deletes_are_known() -> None:
    assert split("DELETE FROM m")[0].deletes
    assert split('DROP MEASUREMENT "m"')[0].deletes
    assert not split("SELECT v FROM m")[0].deletes
    assert split("DELETE FROM db..m")[0].names_a_database


def test_a_permission_covers_its_bucket_alone() -> None:
    who = authorization(Permission("write", "buckets", "b1", "org"))
    assert who.allows("write", "buckets", "b1", "org")
    assert not who.allows("write", "buckets", "b2", "org")
    assert not who.allows("read", "buckets", "b1", "org")
    assert not who.allows("write", "buckets")


def test_a_permission_on_an_organization_covers_its_buckets() -> None:
    who = authorization(Permission("read", "buckets", None, "org"))
    assert who.allows("read", "buckets", "b1", "org")
    assert not who.allows("read", "buckets", "b1", "other")


def test_an_inactive_token_does_nothing() -> None:
    assert authorization(*operator_permissions()).allows("write", "users", "u")
    inactive = authorization(*operator_permissions(), status="inactive")
    assert not inactive.allows("write", "users", "u")


def test_passwords_are_kept_as_hashes() -> None:
    kept = hash_password("Good1password")
    assert "Good1password" not in kept
    assert is_password("Good1password", kept)
    assert not is_password("Good1passwore", kept)


def test_weak_passwords_are_refused_with_every_reason() -> None:
    check_password("Good1password", strong=True)
    check_password("onlysmall", strong=False)
    with pytest.raises(ApiError) as told:
        check_password("short", strong=True)
    assert len(told.value.message.splitlines()) == 2


def request(**headers: str) -> Request:
    """Return a request with these headers."""
    return Request("GET", "/", {}, headers, b"")


def test_a_session_ends() -> None:
    now = [0.0]
    state = State(users={"user": User("user", "hems", "")})
    access = Access(state, 60, lambda: now[0])
    key = access.open_session("user")
    cookie = {"cookie": f"other=1; influxdb-oss-session={key}"}
    now[0] = 59.0
    assert access.who(request(**cookie)).user_id == "user"
    now[0] = 118.0  # prolonged by its use
    assert access.who(request(**cookie)).user_id == "user"
    now[0] = 179.0
    with pytest.raises(ApiError):
        access.who(request(**cookie))


def test_only_the_1x_api_takes_a_token_for_a_password() -> None:
    state = State(authorizations={"a": authorization()})
    access = Access(state, 60)
    basic = request(authorization="Basic eDpzZWNyZXQ=")  # x:secret
    assert access.who_1x(basic).id == "a"
    with pytest.raises(ApiError):
        access.who(basic)
    assert access.who(request(authorization="Token secret")).id == "a"


def test_the_state_is_what_was_saved(tmp_path: Path) -> None:
    kept = store.Store(tmp_path / "state.json")
    kept.state.users["u"] = User("u", "hems", hash_password("Good1password"))
    kept.state.buckets["b"] = Bucket("b", "org", "home_assistant", 0, "", "")
    kept.state.authorizations["a"] = authorization(*operator_permissions())
    kept.save()
    assert store.Store(tmp_path / "state.json").state == kept.state
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("retention", "shard"), [(0, 7 * DAY), (DAY, 3600), (7 * DAY, DAY)])
def test_shards_are_as_long_as_the_real_ones(retention: int, shard: int) -> None:
    assert Bucket("b", "o", "n", retention, "", "").shard == shard


def test_a_delete_predicate_becomes_influxql() -> None:
    assert predicate('_measurement="W" AND entity_id="a\'b"') == (
        'FROM "W"',
        " AND \"entity_id\" = 'a\\'b'",
    )
    assert predicate("") == ("FROM /.*/", "")
    with pytest.raises(ApiError):
        predicate("_measurement")


def test_settings_come_from_the_file_and_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        'bolt-path = "/a/influxd.bolt"\nengine-path = "/a/engine"\nhttp-bind-address = ":1"\n'
        'storage-wal-fsync-delay = "500ms"\nstrong-passwords = true\n'
    )
    found = load({"INFLUXD_CONFIG_PATH": str(file), "INFLUXD_HTTP_BIND_ADDRESS": "127.0.0.1:2"})
    assert (found.host, found.port, found.strong_passwords) == ("127.0.0.1", 2, True)
    assert found.state_path != found.bolt_path
    file.write_text("bolt-path = ")
    with pytest.raises(BadConfig, match=r"can't be read as TOML"):
        load({"INFLUXD_CONFIG_PATH": str(file)})
    with pytest.raises(BadConfig, match="must have"):
        load({})


def test_it_stands_in_for_the_pinned_version() -> None:
    versions = (ROOT / "inventory/pilot/group_vars/all/versions.yml").read_text()
    pinned = re.search(r"^hems_version_influxdb: (\S+)", versions, re.MULTILINE)
    assert pinned
    assert f"v{pinned[1]}" == VERSION
    # Below every revision of a real package: apt prefers the real one.
    assert packaging.REVISION < "1"
