"""The door's log-in: what is signed, who has to wait, where one goes next."""

from __future__ import annotations

import pytest
from hems.door import core
from multidict import CIMultiDict

NOW = 1_800_000_000.0
KEY = core.derive_key("made on the Pi", "owner", "correct horse")
SESSION = core.Seal(KEY, "session", core.SESSION_SECONDS)


def test_what_was_sealed_can_be_opened_until_it_is_too_old() -> None:
    sealed = SESSION.close("abc_-9", NOW)
    assert SESSION.open(sealed, NOW) == "abc_-9"
    assert SESSION.open(sealed, NOW + core.SESSION_SECONDS - 1) == "abc_-9"
    assert SESSION.open(sealed, NOW + core.SESSION_SECONDS) is None


def test_a_clock_that_was_set_back_a_little_ends_no_session_and_one_far_off_does() -> None:
    sealed = SESSION.close("abc", NOW)
    assert SESSION.open(sealed, NOW - core.SKEW_SECONDS) == "abc"
    # Sealed when the clock was years ahead, it would else be good for years.
    assert SESSION.open(sealed, NOW - core.SKEW_SECONDS - 1) is None


def test_every_changed_character_is_noticed() -> None:
    sealed = SESSION.close("abc", NOW)
    for place, old in enumerate(sealed):
        forged = f"{sealed[:place]}{'A' if old != 'A' else 'B'}{sealed[place + 1 :]}"
        assert SESSION.open(forged, NOW) is None, forged


@pytest.mark.parametrize("forged", ["", ".", "..", "a.b.c", "a", "\udcff.1.x", "x" * 9999])
def test_rubbish_is_refused(forged: str) -> None:
    assert SESSION.open(forged, NOW) is None


def test_a_form_is_no_session() -> None:
    form = core.Seal(KEY, "form", core.FORM_SECONDS)
    assert SESSION.open(form.close("abc", NOW), NOW) is None


@pytest.mark.parametrize(
    ("secret", "user", "password"),
    [
        ("made on the Pi", "owner", "another"),
        ("made on the Pi", "other", "correct horse"),
        ("another Pi", "owner", "correct horse"),
    ],
)
def test_a_new_password_ends_every_session(secret: str, user: str, password: str) -> None:
    other = core.Seal(core.derive_key(secret, user, password), "session", core.SESSION_SECONDS)
    assert other.open(SESSION.close("abc", NOW), NOW) is None


def test_ended_sessions_are_forgotten_when_they_would_be_too_old_anyway() -> None:
    ended = {"old": NOW - core.SESSION_SECONDS - core.SKEW_SECONDS, "new": NOW - 1}
    assert core.prune(ended, NOW) == {"new": NOW - 1}
    many = {str(number): NOW + number for number in range(core.MOST_ENDED + 5)}
    kept = core.prune(many, NOW)
    assert len(kept) == core.MOST_ENDED and "0" not in kept


def test_who_guesses_waits_ever_longer() -> None:
    throttle, now, waits = core.Throttle(), 0.0, []
    for _ in range(core.FREE_TRIES + 9):
        throttle.fail("192.0.2.1", now)
        waits.append(throttle.wait("192.0.2.1", now))
        now += waits[-1]
        assert throttle.wait("192.0.2.1", now) == 0  # a wait ends by itself
    assert waits == [0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300, 300]


def test_others_do_not_wait_and_success_ends_it() -> None:
    throttle = core.Throttle()
    for _ in range(core.FREE_TRIES):
        throttle.fail("192.0.2.1", 0.0)
    assert throttle.wait("192.0.2.2", 0.0) == 0
    throttle.succeed("192.0.2.1")
    assert throttle.wait("192.0.2.1", 0.0) == 0


def test_tries_an_hour_ago_count_no_more() -> None:
    throttle = core.Throttle()
    for _ in range(20):
        throttle.fail("192.0.2.1", 0.0)
    assert throttle.fail("192.0.2.1", core.FORGOTTEN_AFTER) == 1
    assert throttle.wait("192.0.2.1", core.FORGOTTEN_AFTER) == 0


def test_a_million_addresses_cost_no_memory() -> None:
    throttle = core.Throttle()
    for _ in range(core.FREE_TRIES):
        throttle.fail("192.0.2.1", 0.0)
    for number in range(core.MOST_ADDRESSES - 1):
        throttle.fail(f"10.0.{number >> 8}.{number & 255}", 1.0)
    assert throttle.wait("192.0.2.1", 1.0) > 0
    throttle.fail("198.51.100.1", 1.0)
    assert throttle.wait("192.0.2.1", 1.0) == 0  # the oldest went


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1", "fe80::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_host_is_one_address(address: str, counted_as: str) -> None:
    assert core.neighbourhood(address) == counted_as


@pytest.mark.parametrize(
    "path", ["/influx/", "/influx/orgs/0a/dashboards?lower=now%28%29&x=//", "/configurator/?a=b"]
)
def test_a_path_of_this_site_is_gone_to(path: str) -> None:
    assert core.target(path) == path
    assert core.wanted_path(f"next={path}") == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "influx",
        "//evil.example/",
        "/\\evil.example/",
        "\\/evil.example",
        "/influx\\..",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/influx/\r\nSet-Cookie: a=b",
        "/\x00",
        "/é",
        "/door/logout",
        "/" + "a" * 4096,
    ],
)
def test_no_other_site_is_gone_to(path: str) -> None:
    assert core.target(path) == core.HOME
    assert core.wanted_path(f"next={path}") == core.HOME


def test_a_query_without_next_goes_home() -> None:
    assert core.wanted_path("") == core.wanted_path("x=/influx/") == core.HOME


def test_cookies_are_found_among_others() -> None:
    header = "a=b=c; __Host-hems-door=x.1.y;d;__Host-hems-door=second"
    assert core.cookies(header)["__Host-hems-door"] == "x.1.y"
    assert core.cookies(header)["a"] == "b=c"
    assert core.cookies("").get("a") is None


@pytest.mark.parametrize(
    ("headers", "is_foreign"),
    [
        ({}, False),
        ({"Origin": "https://box.local"}, False),
        ({"origin": "https://BOX.local", "sec-fetch-site": "same-origin"}, False),
        ({"Origin": "http://box.local"}, True),
        ({"Origin": "https://box.local.evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://other.local"}, True),
        ({"Sec-Fetch-Site": "none"}, False),
    ],
)
def test_a_form_of_another_site_is_known(headers: dict[str, str], is_foreign: bool) -> None:
    assert core.foreign(CIMultiDict(headers | {"Host": "box.local"})) is is_foreign
