"""What a box believes of a ring file, and which sites a percentage reaches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hems.update import core
from hems.update.core import Refused, Ring, Seen, believe, draw, is_drawn, parse

NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
RING = Ring("early", "v1.2.3", "a" * 40, 25, 7, NOW + timedelta(days=60))


def test_a_file_is_read_as_it_was_written() -> None:
    assert parse(RING.text(), "early") == RING
    later = msgspec.json.decode(RING.text()) | {"wave": 2}
    assert parse(msgspec.json.encode(later), "early") == RING, "a later version's key"


@pytest.mark.parametrize(
    "change",
    [
        {"percentage": 101},
        {"serial": 0},
        {"serial": True},
        {"release": "v1.2.3\n"},
        {"release": "--upload-pack=x"},
        {"release": "../v1.2.3"},
        {"commit": "a" * 39},
        {"commit": "HEAD"},
        {"expires": "tomorrow"},
        {"expires": "2026-12-01T00:00:00"},
        {"ring": "stable"},
        {"ring": None},
    ],
    ids=str,
)
def test_what_is_no_ring_file_of_this_ring_is_refused(change: dict[str, object]) -> None:
    content = msgspec.json.encode(msgspec.json.decode(RING.text()) | change)
    with pytest.raises(Refused) as refusal:
        parse(content, "early")
    assert refusal.value.reason == core.MALFORMED


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000], ids=repr)
def test_damage_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(Refused, match=r"^The file of ring early .*promote again\.$"):
        parse(content, "early")


def replaced(**changes: object) -> Ring:
    return msgspec.structs.replace(RING, **changes)


def test_a_ring_goes_forward_only() -> None:
    seen = Seen().after(RING)
    believe(RING, seen, NOW)  # the same again is no news
    believe(replaced(serial=8, release="v1.2.2", commit="b" * 40), seen, NOW)  # a step back, signed
    cases: list[tuple[dict[str, object], str]] = [
        ({"serial": 6}, core.REPLAYED),
        ({"percentage": 100}, core.REPLAYED),  # two files with one serial
        ({"serial": 8, "commit": "b" * 40}, core.MOVED),
    ]
    for change, reason in cases:
        with pytest.raises(Refused) as refusal:
            believe(replaced(**change), seen, NOW)
        assert refusal.value.reason == reason


def test_another_ring_has_serials_of_its_own() -> None:
    believe(replaced(ring="stable", serial=1), Seen().after(RING), NOW)


def test_a_file_ends_to_the_second() -> None:
    believe(RING, Seen(), RING.expires - timedelta(seconds=1))
    with pytest.raises(Refused, match=r"has expired \(2026-12-31 03:00 UTC\)") as refusal:
        believe(RING, Seen(), RING.expires)
    assert refusal.value.reason == core.EXPIRED


def test_a_percentage_reaches_its_share_and_only_grows() -> None:
    sites = [f"site_{number}" for number in range(4000)]
    reached: set[str] = set()
    for percentage in (0, 1, 25, 50, 100):
        now = {site for site in sites if is_drawn(site, replaced(percentage=percentage))}
        assert reached <= now
        assert abs(len(now) / len(sites) * 100 - percentage) < 3
        reached = now
    assert reached == set(sites)


def test_another_release_begins_with_other_sites() -> None:
    first, second = (
        {site for site in map(str, range(1000)) if draw(site, name) < 10}
        for name in ("v1.2.3", "v1.2.4")
    )
    assert len(first & second) < 40
