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
from hems.discovery.trial import Seen, Trial
from hems.settings import Appliance, parse

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
    """A broker's client: what is published, and what ``loop`` brings."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []

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


def connected(guard: Guard, problems: dict[str, str], *kept: tuple[str, bytes]) -> Client:
    """Go through the beginning of a connection; return what was published."""
    connection = Connection(parse(GOOD, Appliance, "hems.toml"), "x", guard, problems)
    client = Client()
    connection._client = client  # type: ignore[assignment]
    for topic, payload in kept:
        connection._on_message(None, None, Heard(topic, payload))
    connection._settle(connection._last + daemon.QUIET_SECONDS + 1)
    return client


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


def test_the_longest_pause_is_shorter_than_systemds_patience() -> None:
    unit = Path("roles/hems/templates/etc/systemd/system/hems-discovery.service.j2").read_text()
    (line,) = (line for line in unit.splitlines() if line.startswith("WatchdogSec="))
    assert max(RECONNECT_SECONDS) <= int(line.partition("=")[2]) / 2
