"""What an account may leave in the broker: so many messages and bytes, and what it had stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from hems.discovery import report, shelf
from hems.discovery.book import Retained
from hems.discovery.quota import BYTES, MESSAGES, NAMED_SECONDS, Quota
from hems.discovery.trial import identify


def hear(quota: Quota, said: dict[str, bytes], now: float = 0) -> dict[str, bytes]:
    """Have the broker say these; return what of them it keeps afterwards."""
    left = dict(said)
    for topic, payload in said.items():
        for one in quota.heard(topic, payload, now):
            assert one == Retained(topic)
            del left[topic]
    return left


def count(
    quota: Quota, kept: dict[str, bytes], now: float = 0, *, complete: bool = True
) -> dict[str, bytes]:
    """Have everything counted that a broker keeps; return what it keeps afterwards."""
    quota.begin()
    left = hear(quota, kept, now)
    quota.finish(now, complete=complete)
    return left


def states(number: int, size: int = 10, account: str = "bench") -> dict[str, bytes]:
    return {f"hems/{account}/{at}": b"x" * size for at in range(number)}


def test_an_account_within_its_share_is_left_alone() -> None:
    quota = Quota()
    assert count(quota, states(MESSAGES)) == states(MESSAGES)
    assert quota.over == {}


def test_messages_above_the_number_are_taken_out_and_counted() -> None:
    quota = Quota()
    assert len(count(quota, states(5000))) == MESSAGES
    assert quota.over == {"bench": 5000 - MESSAGES}


def test_bytes_above_the_share_are_taken_out() -> None:
    quota, flood = Quota(), states(900, 100_000)
    left = count(quota, flood)
    assert 0 < sum(map(len, left.values())) <= BYTES
    assert quota.over == {"bench": 900 - len(left)}


def test_what_was_there_before_stays_whatever_comes_first() -> None:
    quota, mine = Quota(), {"hems/bench/status": b"online"}
    count(quota, mine)
    assert "hems/bench/status" in count(quota, states(1000) | mine)


def test_a_message_that_grows_over_the_share_is_taken_out() -> None:
    quota = Quota()
    count(quota, {"hems/bench/a": b"x"})
    assert count(quota, {"hems/bench/a": b"x" * BYTES}) == {}
    assert quota.over == {"bench": 1}


def test_announcements_count_and_others_do_not_pay_for_it() -> None:
    quota = Quota()
    mine = {f"homeassistant/sensor/bench/{at}/config": b"{}" for at in range(MESSAGES)}
    others = states(3, account="meter") | {"hems/hems/health": b"x", "homeassistant/status": b"x"}
    left = count(quota, mine | states(1) | others)
    assert left == mine | others
    assert quota.over == {"bench": 1}


def test_the_boxs_own_accounts_have_no_share() -> None:
    quota, own = Quota(), states(MESSAGES + 50, account="hems")
    assert count(quota, own) == own


def test_what_is_gone_makes_room_and_the_issue_ends_ten_minutes_later() -> None:
    quota = Quota()
    count(quota, states(MESSAGES + 1), now=100)
    count(quota, {}, now=100 + NAMED_SECONDS)
    assert quota.over == {"bench": 1}
    count(quota, {}, now=101 + NAMED_SECONDS)
    assert quota.counts == {} and quota.over == {}
    assert count(quota, {"hems/bench/new": b"x"}) == {"hems/bench/new": b"x"}


def test_between_two_counts_it_is_taken_out_at_once_and_named_with_the_next() -> None:
    quota = Quota()
    count(quota, states(5))
    assert len(hear(quota, states(10_000))) == MESSAGES
    assert count(quota, states(MESSAGES)) == states(MESSAGES)
    assert quota.over == {"bench": 10_000 - MESSAGES}
    (kept,) = (one.kept for one in quota.counts.values())
    assert len(kept) == MESSAGES, "a flood takes no memory of what counts it"


def test_of_a_count_that_was_cut_short_nothing_is_taken_for_gone() -> None:
    """Else a flood would take the places of what was there before."""
    quota, mine = Quota(), states(MESSAGES)
    count(quota, mine)
    flood = {f"hems/bench/flood/{at}": b"x" for at in range(1000)}
    assert count(quota, flood, complete=False) == {}
    assert count(quota, mine | flood, complete=False) == mine


def test_what_a_device_takes_out_itself_makes_room_at_once() -> None:
    quota = Quota()
    for round_ in range(3):
        mine = {f"hems/bench/{round_}/{at}": b"x" for at in range(MESSAGES)}
        assert hear(quota, mine) == mine
        hear(quota, dict.fromkeys(mine, b""))


ASIDE = Retained("vetted/sensor/bench/p/config", b'{"value_template": "\xff"}')


def test_a_message_set_aside_is_kept_whole_and_known_again(tmp_path: Path) -> None:
    name = shelf.put(tmp_path, ASIDE, datetime(2026, 11, 26, 12, 30, tzinfo=UTC))
    assert name == "20261126T123000Z-vetted-sensor-bench-p-config.json"
    (found,) = shelf.read(tmp_path)
    assert found.message == identify(ASIDE.topic, ASIDE.payload)
    assert (found.account, found.name) == ("bench", name)
    (tmp_path / "20261126T123001Z-x.json").write_text("[]")
    assert shelf.read(tmp_path) == [found]


def test_the_shelf_does_not_grow_for_ever(tmp_path: Path) -> None:
    for at in range(shelf.MOST_FILES + 5):
        topic = f"vetted/sensor/bench/{at:03}/config"
        shelf.put(
            tmp_path, Retained(topic, b"x"), datetime(2026, 11, 26, 12, 0, at % 60, tzinfo=UTC)
        )
    assert len(shelf.read(tmp_path)) == shelf.MOST_FILES


def test_health_names_account_and_topic(tmp_path: Path) -> None:
    name = shelf.put(tmp_path, ASIDE, datetime(2026, 11, 26, tzinfo=UTC))
    quota = Quota()
    count(quota, states(MESSAGES + 7))
    report.write(tmp_path, report.issues(shelf.read(tmp_path), quota, tmp_path))
    aside, full = report.read(tmp_path / report.FILE)
    assert (aside.kind.code, aside.subject) == ("mqtt_message_set_aside", ASIDE.topic)
    assert aside.detail == f"account bench, kept as {tmp_path / name}"
    assert (full.kind.code, full.subject) == ("mqtt_account_full", "bench")
    assert "7 were taken out" in full.detail


def test_a_report_that_is_none_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / report.FILE
    assert report.read(path) == ()
    for text in ("", "{}", "3", "[1]", '[["disk_full", "x", "y"]]', "[" * 5000):
        path.write_text(text)
        assert report.read(path) == (), text
    path.write_text(json.dumps([["mqtt_account_full", "a\n\x1b", "x" * 5000]]))
    (one,) = report.read(path)
    assert one.subject == "a??" and len(one.detail) == report.MOST_CHARACTERS
