"""hems-discovery outlives a broker that goes, and ends when its account is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hems import systemd
from hems.discovery import daemon
from hems.discovery.daemon import (
    RECONNECT_SECONDS,
    BrokerAwayError,
    BrokerError,
    Connection,
    serve,
)
from hems.discovery.guard import Guard
from hems.discovery.quota import BYTES, MESSAGES
from hems.discovery.trial import Seen, Trial
from hems.settings import Appliance, parse
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.unit.appliance_settings import GOOD

AWAY, LOST = BrokerAwayError("The broker does not answer: no."), BrokerAwayError("It is gone.")
REFUSED = BrokerError("The broker refuses account 'discovery'.")


class Scripted:
    """A connection that ends as the test says, after it had subscribed or before."""

    def __init__(self, end: Exception, subscribed: bool = False) -> None:
        self._end, self.subscribed = end, subscribed

    def run(self) -> None:
        raise self._end


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return Guard(tmp_path, tmp_path, lambda _: Seen(up=True, answers=True), Trial())


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What systemd is told."""
    lines: list[str] = []
    monkeypatch.setattr(systemd, "ready", lines.append)
    monkeypatch.setattr(systemd, "feed_watchdog", lambda: lines.append("fed"))
    return lines


def ends(guard: Guard, *connections: Scripted) -> list[float]:
    """Run through these connections until one ends it all; return the pauses between them."""
    pauses: list[float] = []
    script: Iterator[Any] = iter(connections)
    with pytest.raises(BrokerError, match="refuses"):
        serve(lambda: next(script), guard, pauses.append)
    assert not list(script)
    return pauses


def test_it_starts_without_a_broker_and_waits_longer_each_time(
    guard: Guard, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pauses = ends(guard, *[Scripted(AWAY)] * 8, Scripted(REFUSED))
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert told == ["waits for the broker", "fed"] * 8
    assert capsys.readouterr().err.splitlines() == [str(AWAY)]


def test_a_broker_that_goes_is_found_again_and_each_loss_is_said_once(
    guard: Guard, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    one = [Scripted(LOST, subscribed=True), Scripted(AWAY), Scripted(AWAY)]
    guard.trial.connected(True)
    pauses = ends(guard, *one, *one, Scripted(REFUSED))
    assert pauses == [1, 2, 4, 1, 2, 4]
    assert capsys.readouterr().err.splitlines() == [str(LOST), str(AWAY)] * 2
    assert not guard.trial.hearing, "Home Assistant has lost it, too"
    assert told


def test_a_refused_account_ends_it_before_it_is_ready(guard: Guard, told: list[str]) -> None:
    assert ends(guard, Scripted(REFUSED)) == []
    assert told == []


class Client:
    """A broker's client: what is published and subscribed."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []
        self.subscribed: list[list[str]] = []

    def subscribe(self, topics: list[tuple[str, SubscribeOptions]]) -> None:
        assert all(options.noLocal and options.retainAsPublished for _, options in topics)
        self.subscribed.append([topic for topic, _ in topics])

    def publish(self, topic: str, payload: bytes, **_: Any) -> None:
        self.published.append((topic, payload))


class Heard:
    """A retained message as paho gives it."""

    retain = True

    def __init__(self, topic: str, payload: bytes) -> None:
        self.topic, self.payload = topic, payload


BAD, SAID = "homeassistant/light/meter/a/config", "homeassistant/sensor/meter/a/config"
OURS = "vetted/sensor/meter/a/config"
SENSOR = (
    b'{"unique_id": "meter_a", "state_topic": "hems/meter/a", "device": {"identifiers": "meter"}}'
)


class Bench:
    """A connection to a broker that says what the test has it say."""

    def __init__(self, guard: Guard, problems: dict[str, str]) -> None:
        self.connection = Connection(parse(GOOD, Appliance, "hems.toml"), "x", guard, problems)
        self.client = Client()
        self.connection._client = self.client  # type: ignore[assignment]

    def hear(self, *kept: tuple[str, bytes]) -> None:
        for topic, payload in kept:
            self.connection._on_message(None, None, Heard(topic, payload))

    def count(self, seconds: float) -> None:
        """Go on with the count so many seconds after what was heard last."""
        self.connection._count(self.connection._last + seconds)


def connected(guard: Guard, problems: dict[str, str], *kept: tuple[str, bytes]) -> Client:
    """Go through the beginning of a connection; return what was published."""
    bench = Bench(guard, problems)
    bench.hear(*kept)
    bench.count(daemon.QUIET[0] + 1)
    return bench.client


def test_each_connection_begins_anew_and_says_no_problem_twice(
    guard: Guard, capsys: pytest.CaptureFixture[str]
) -> None:
    problems: dict[str, str] = {}
    retained = ((SAID, SENSOR), (BAD, b"{}"))
    first = connected(guard, problems, *retained)
    ((topic, content),) = first.published
    assert topic == OURS
    lost = connected(guard, problems, *retained)  # the broker has lost what it was told
    assert lost.published == first.published
    gone = connected(guard, problems, (OURS, content), (BAD, b"{}"))
    assert gone.published == [(OURS, b"")]
    assert guard.trial.hears == {}
    assert capsys.readouterr().err.count("does not hear") == 1


def test_what_is_withheld_stays_so_over_a_broken_connection(guard: Guard) -> None:
    trial = guard.trial
    connected(guard, {}, (SAID, SENSOR))
    for start in (0.0, 100.0):
        trial.look(Seen(up=True, answers=False), start)
        taken = trial.look(Seen(up=False, answers=False), start + 50)
    assert [message.topic for message in taken] == [OURS]
    # The connection broke before the broker had that.
    again = connected(guard, {}, (SAID, SENSOR), (OURS, b"{}"))
    assert again.published == [(OURS, b"")]
    assert list(trial.withheld) == [OURS]


FLOOD = [(f"hems/bench/{at}", b"x") for at in range(MESSAGES + 50)]
TAKEN_OUT = [(topic, b"") for topic, _ in FLOOD[MESSAGES:]]


def test_what_is_too_much_is_taken_out_as_it_comes_and_counted_again_until_all_is_found(
    guard: Guard,
) -> None:
    bench = Bench(guard, {})
    quiet = daemon.QUIET[0] + 1
    bench.count(quiet)
    bench.hear(*FLOOD)
    assert bench.client.published == TAKEN_OUT
    assert bench.client.subscribed == []
    for found in (FLOOD, FLOOD[:MESSAGES]):  # what the broker did not pass on is found
        bench.count(0.0)
        assert bench.client.subscribed.pop() == [daemon.ANNOUNCED, daemon.STATES]
        bench.hear(*found)
        bench.count(quiet)
    assert bench.client.published == TAKEN_OUT * 2
    assert guard.quota.over == {"bench": 100}
    bench.count(quiet)
    assert bench.client.subscribed == [], "nothing to look for before ten seconds have passed"
    bench.count(daemon.COUNT_SECONDS + quiet)
    assert len(bench.client.subscribed) == 1


def test_a_flood_that_does_not_end_is_counted_and_named_all_the_same(guard: Guard) -> None:
    bench = Bench(guard, {})
    bench.count(daemon.QUIET[0] + 1)
    bench.hear(*FLOOD)
    bench.count(0.0)
    began = bench.connection._last
    bench.hear(*FLOOD[MESSAGES:])
    bench.connection._last = began + daemon.LONGEST[1]
    bench.connection._count(began + daemon.LONGEST[1])
    assert guard.quota.over == {}
    bench.connection._count(began + daemon.LONGEST[1] + 0.1)
    assert guard.quota.over == {"bench": 100}


def test_what_was_there_before_outlives_a_flood_that_cuts_a_count_short(guard: Guard) -> None:
    bench, mine = Bench(guard, {}), ("hems/bench/status", b"online")
    bench.hear(mine)
    bench.count(daemon.QUIET[0] + 1)
    bench.hear(*FLOOD)
    bench.count(0.0)
    bench.hear(*FLOOD)  # of what it keeps the broker has not come to ours
    bench.count(daemon.QUIET[0] + 1)
    bench.count(0.0)
    bench.hear(*FLOOD, mine)
    assert (mine[0], b"") not in bench.client.published


def test_a_device_that_retains_what_it_reports_keeps_no_count_from_ending(guard: Guard) -> None:
    bench, reading = Bench(guard, {}), ("hems/bench/power", b"1")
    bench.hear(reading)
    began = bench.connection._last = 0.0
    bench.hear(reading)
    assert bench.connection._last == began


def test_while_there_is_a_flood_nobody_is_taken_for_gone(guard: Guard) -> None:
    """The broker drops the end of what it says, and with it what devices have announced."""
    bench = Bench(guard, {})
    bench.hear((OURS, b"{}"), *FLOOD)
    bench.count(daemon.QUIET[0] + 1)
    assert (OURS, b"") not in bench.client.published
    bench.count(0.0)
    (topics,) = bench.client.subscribed
    assert "vetted/+/+/+/config" in topics and topics[-1] == daemon.STATES
    bench.hear((SAID, SENSOR))
    bench.count(daemon.QUIET[0] + 1)
    assert (OURS, b"") not in bench.client.published


def test_an_announcement_that_is_too_much_is_taken_back(guard: Guard) -> None:
    bench = Bench(guard, {})
    bench.hear((SAID, SENSOR))
    bench.hear(*((f"hems/meter/{at}", b"x") for at in range(MESSAGES - 1)))
    bench.hear((SAID, SENSOR + b" " * BYTES))
    assert bench.client.published[1:] == [(SAID, b""), (OURS, b"")]


def test_the_longest_pause_is_shorter_than_systemds_patience() -> None:
    unit = Path("roles/hems/templates/etc/systemd/system/hems-discovery.service.j2").read_text()
    (line,) = (line for line in unit.splitlines() if line.startswith("WatchdogSec="))
    assert max(RECONNECT_SECONDS) <= int(line.partition("=")[2]) / 2
