"""How the fleet is, judged from its receipts; and as a page, JSON and CSV."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hems.receipts.core import Look, Receipt, unseal
from hems.update.state import PLAY, Hold, Phase

from playbooks.fleet import report, report_files
from playbooks.fleet.checkout import FleetError
from playbooks.fleet.receipts import Collected, Fleet, Server, believe, fetch, keys_text, read_keys
from playbooks.fleet.report import Event, Row
from tests.unit.receipt_samples import LOOK, NOW, STATE, receipt, sealed

MOMENT = datetime.fromtimestamp(NOW, UTC)
ORDER = ("canary", "early", "stable")
HOURS = 6.0
WELL = Look(reading=NOW - 40, versions={"home_assistant": "2026.11.3"})
UNDONE = STATE.but(bad={"5" * 40: "it was slow"})


def judged(made: Receipt | None, ring: str = "early", refused: str = "") -> Row:
    found = Collected({"s": made} if made else {}, {"s": refused} if refused else {})
    return report.row("s", ring, found, MOMENT, timedelta(hours=HOURS))


@pytest.mark.parametrize(
    ("made", "state", "why"),
    [
        (None, "missing", "No receipt has ever come."),
        (receipt(look=WELL), "ok", ""),
        (receipt(now=NOW - 5.9 * 3600, look=WELL), "ok", ""),
        (receipt(now=NOW - 6.1 * 3600, look=WELL), "silent", "Silent for 6 h."),
        (receipt(now=NOW + 3600, look=WELL), "bad", "Its clock is 60 min ahead"),
        (receipt(look=LOOK), "warning", "Open: disk_filling."),
        (receipt(look=Look(problems=("It is down.",))), "bad", "It is down."),
        (receipt(look=Look(issues={"meter_silent": "critical"})), "bad", "Critical: meter_silent."),
        (receipt(look=Look(reading=NOW - 7200)), "warning", "Its newest reading is 2 h old."),
        (receipt(look=WELL, problem="No server."), "bad", "No server."),
        (receipt(look=WELL, state=UNDONE, problem="undone, as it was slow"), "bad", "it was slow."),
        (receipt(look=WELL, state=UNDONE), "ok", ""),
        (
            receipt(look=WELL, state=STATE.but(hold=Hold("ana", "the roof", "today"))),
            "warning",
            "Held: the roof (ana, today).",
        ),
        (
            receipt(look=WELL, state=STATE.but(phase=Phase(PLAY, "v9.0.0", "", NOW))),
            "updating",
            "Updating to v9.0.0.",
        ),
    ],
)
def test_a_site_is_judged(made: Receipt | None, state: str, why: str) -> None:
    one = judged(made)
    assert one.state == state and why in " ".join(one.why)
    assert bool(one.why) == bool(why)


def test_a_refused_receipt_is_not_looked_at() -> None:
    one = judged(receipt(), refused="Its receipt is one of another site.")
    assert (one.state, one.receipt) == ("untrusted", None)


def test_a_site_in_another_ring_than_the_inventorys_is_told() -> None:
    one = judged(receipt(look=WELL), ring="stable")
    assert one.state == "warning" and "follows ring early; the inventory says stable" in one.why[0]


def test_sites_come_ring_by_ring_and_each_ring_is_summed_up() -> None:
    found = Collected({"a": receipt("a", look=WELL), "b": receipt("b", look=WELL)}, {})
    sites = {"z": "canary", "b": "early", "a": "early", "c": "stable"}
    rows = report.rows(sites, ORDER, found, MOMENT, HOURS)
    assert [one.site for one in rows] == ["z", "a", "b", "c"]
    canary, early, stable = report.rings(rows, ORDER)
    assert (early.states, early.releases) == ({"ok": 2}, {"v1.2.2": 2})
    assert (canary.states, canary.releases, stable.name) == ({"missing": 1}, {}, "stable")


def test_the_history_grows_by_what_is_new_and_by_nothing_twice() -> None:
    first = report.grow([], {"a": receipt("a"), "b": receipt("b", state=UNDONE)})
    assert [(one.site, one.release, one.what) for one in first] == [
        ("a", "v1.2.2", "taken"),
        ("b", "v1.2.2", "taken"),
        ("b", "v1.2.3", "undone"),
    ]
    assert (
        report.grow(first, {"a": receipt("a", NOW + 9), "b": receipt("b", state=UNDONE)}) == first
    )
    later = report.grow(first, {"a": receipt("a", NOW + 9, state=STATE.but(release="v1.3.0"))})
    assert later[-1] == Event("2027-01-15T08:00:09Z", "a", "v1.3.0", "taken")
    # back to the release before, and that is news again
    assert len(report.grow(later, {"a": receipt("a", NOW + 99)})) == len(later) + 1
    many = [Event(f"{n:09}", "a", f"v{n}", "taken") for n in range(report.EVENTS + 5)]
    assert len(report.grow(many, {})) == report.EVENTS


def test_a_release_has_its_sites_and_its_story() -> None:
    rows = [judged(receipt("s", look=WELL))]
    history = report.grow([], {"s": receipt("s", state=UNDONE)})
    found = {one.name: one for one in report.releases(history, rows)}
    assert found["v1.2.2"].now == ("s",) and found["v1.2.3"].now == ()
    assert found["v1.2.3"].events[0].reason == "it was slow"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (42.4, "42 s"), (300, "5 min"), (7200, "2 h"), (86400, "24 h"), (3e5, "3 days")],
)
def test_a_time_is_readable(seconds: float, words: str) -> None:
    assert report.duration(seconds) == words


EVIL = '<script>alert("1")</script>'


def written(directory: Path) -> report_files.Report:
    """Write a report of a fleet with a site of each kind, one of which would break out."""
    evil = receipt("evil", state=STATE.but(release=EVIL, result=EVIL), problem=f"=1+1{EVIL}")
    found = Collected(
        {"evil": evil, "well": receipt("well", look=WELL)}, {"liar": "Its receipt can't be read."}
    )
    sites = {"well": "canary", "evil": "early", "liar": "early", "new": "stable"}
    rows = report.rows(sites, ORDER, found, MOMENT, HOURS)
    history = report.grow([], found.receipts)
    told = report_files.Report(rows, history, ORDER, ("stranger",), MOMENT)
    report_files.write(directory, told)
    return told


class Tags(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]


def test_the_page_stands_alone_and_lets_nothing_break_out(tmp_path: Path) -> None:
    written(tmp_path)
    text = (tmp_path / "fleet.html").read_text()
    tags = Tags()
    tags.feed(text)
    assert tags.found.count("script") == 1 and tags.links == [] and "://" not in text
    assert EVIL not in text and "&lt;script&gt;" in text
    for words in (
        "4 sites",
        "No receipt has ever come.",
        "can&#39;t be read",
        "stranger",
        "v1.2.2",
    ):
        assert words in text, words


def test_programs_get_the_same(tmp_path: Path) -> None:
    told = written(tmp_path)
    found: dict[str, Any] = json.loads((tmp_path / "fleet.json").read_text())
    assert [one["state"] for one in found["sites"]] == [one.state for one in told.rows]
    assert found["sites"][0]["receipt"]["versions"] == {"home_assistant": "2026.11.3"}
    lines = list(csv.DictReader((tmp_path / "fleet.csv").open()))
    assert [line["site"] for line in lines] == ["well", "evil", "liar", "new"]
    assert lines[1]["why"].startswith("'=1+1")  # no formula
    assert (lines[0]["reading"], lines[0]["serial"]) == ("40", "7")
    assert report_files.read_history(tmp_path) == told.history


def test_a_broken_history_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text("[{")
    with pytest.raises(FleetError, match="move it away"):
        report_files.read_history(tmp_path)


def test_a_key_is_noted_at_first_and_counts_from_then_on(tmp_path: Path) -> None:
    came = {"a": sealed(receipt("a"), tmp_path), "x": b"of nobody"}
    known: dict[str, str] = {}
    found = believe(["a", "b"], came, known)
    assert (list(found.receipts), found.met, found.strange) == (["a"], ("a",), ("x",))
    assert known == {"a": unseal(came["a"]).key}
    path = tmp_path / "receipt_keys.txt"
    path.write_text(keys_text(known))
    assert read_keys(path) == known
    thief = believe(["a"], {"a": sealed(receipt("a"), tmp_path, "thief")}, known)
    assert thief.receipts == {} and "not signed by the key" in thief.refused["a"]
    # A receipt of another site, put in this one's place, has that one's name in it.
    swapped = believe(["b"], came | {"b": came["a"]}, {})
    assert not swapped.receipts and not swapped.met


def test_a_strange_line_among_the_keys_is_named(tmp_path: Path) -> None:
    path = tmp_path / "receipt_keys.txt"
    assert read_keys(path) == {}
    path.write_text("# a note\n\ncork_01 ssh-ed25519 AAAA\n")
    with pytest.raises(FleetError, match="line 3 is no site's key"):
        read_keys(path)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (Server("", 1, "", "p"), "set hems_fleet_server"),
        (Server("localhost", 1, "", ""), "hems_secret_fleet_operator_password is not set"),
        (Server("localhost", 1, "", "secret"), "localhost:1 does not answer"),
    ],
)
def test_a_server_that_can_not_be_asked_is_one_sentence(server: Server, words: str) -> None:
    assert "secret" not in repr(Fleet(server, {}, "", 6))
    with pytest.raises(FleetError, match=words):
        fetch(server)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (receipt("s", look=WELL), []),
        (receipt("s", look=LOOK), []),  # a warning keeps no release
        (receipt("s", look=WELL, state=STATE.but(release="v1.2.1")), ["s has v1.2.1"]),
        (receipt("s", look=WELL, state=STATE.but(release="")), ["s has no release"]),
        (
            receipt("s", look=WELL, state=STATE.but(release="v1", hold=Hold("ana", "x", "today"))),
            [],
        ),
        (receipt("s", now=NOW - 1e6), ["s is silent (Silent for 12 days)"]),
        (None, ["s is missing (No receipt has ever come)"]),
    ],
)
def test_a_release_goes_on_only_from_sites_that_have_it_and_are_well(
    made: Receipt | None, said: list[str]
) -> None:
    assert report.unready([judged(made)], "v1.2.2") == said
