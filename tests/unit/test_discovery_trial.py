"""Which message hangs Home Assistant: found by what it bears, and set aside."""

from __future__ import annotations

import pytest
from hems.discovery.book import Retained
from hems.discovery.trial import (
    ACQUITTED_SECONDS,
    CONNECT_SECONDS,
    PROOF_SECONDS,
    SILENCE_SECONDS,
    Seen,
    Trial,
    identify,
)

OWN = "vetted/sensor/hems/health/config"
TOPICS = [f"vetted/sensor/meter/{name}/config" for name in ("a", "b", "c", "d")]


class House:
    """A Home Assistant that hangs on certain messages, a watchdog, and the trial between them."""

    def __init__(self, deadly: set[str], delay: float = 3.0, start: float = 12.0) -> None:
        self.now, self.trial = 1000.0, Trial()
        self.deadly, self.delay, self.start = deadly, delay, start
        self.broker: dict[str, bytes] = {}
        self.restarts: list[float] = []
        self.lost: list[str] = []  # taken from a Home Assistant that runs
        self.up, self.since, self.heard_at = True, 0.0, dict[str, float]()
        self.silent = 0.0
        self.broken = False  # it hangs whatever it hears
        self.asides: list[Retained] = []

    def tell(self, *topics: str, payload: bytes = b"{}") -> None:
        self._publish(self.trial.tell([Retained(topic, payload) for topic in topics]))

    def _publish(self, messages: list[Retained]) -> None:
        for message in messages:
            if message.payload:
                self.broker[message.topic] = message.payload
                self.heard_at[message.topic] = self.now
            else:
                self.broker.pop(message.topic, None)
                if self.up and not self._hangs():
                    self.lost.append(message.topic)

    def _hangs(self) -> bool:
        return self.up and (
            self.broken
            or any(
                self.now - self.heard_at[topic] > self.delay
                for topic in self.deadly & self.heard_at.keys()
            )
        )

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 2
            self._step()

    def _step(self) -> None:
        started = self.now - self.since
        if not self.up and started > 20:  # it was killed
            self.up, self.since = True, self.now
            self.heard_at = dict.fromkeys(self.broker, self.now + self.start)
            return
        answers = self.up and started > self.start and not self._hangs()
        if answers:
            self.trial.connected(True)
        self.silent = 0.0 if answers else self.silent + 2
        self._publish(self.trial.look(Seen(self.up, answers), self.now))
        self.asides += self.trial.fresh
        if self.up and self.silent > 60:
            self.restarts.append(self.now)
            self.up, self.since, self.silent = False, self.now, 0.0


def test_the_one_that_hangs_it_is_set_aside_and_the_others_are_heard() -> None:
    house = House({TOPICS[2]})
    house.tell(*TOPICS)
    house.run(3600)
    assert [one.topic for one in house.asides] == [TOPICS[2]]
    assert set(house.broker) == set(TOPICS) - {TOPICS[2]}
    assert len(house.restarts) == 3  # the watchdog's budget of an hour
    assert house.restarts[-1] - house.restarts[0] < 600
    assert house.lost == []
    assert not house.trial.runs


def test_what_was_set_aside_is_not_heard_again_but_something_else_of_the_device_is() -> None:
    house = House({TOPICS[0]})
    house.trial.refused.add(identify(TOPICS[0], b"{}"))
    house.tell(TOPICS[0])
    assert not house.broker
    house.tell(TOPICS[0], payload=b'{"name": "mended"}')
    assert house.broker == {TOPICS[0]: b'{"name": "mended"}'}


def test_two_of_them_are_found() -> None:
    house = House({TOPICS[0], TOPICS[3]})
    house.tell(*TOPICS)
    house.run(3600)
    assert {one.topic for one in house.asides} == {TOPICS[0], TOPICS[3]}
    assert set(house.broker) == {TOPICS[1], TOPICS[2]}


def test_one_that_takes_longer_than_a_trial_is_found_by_a_longer_trial() -> None:
    house = House({TOPICS[0]}, delay=PROOF_SECONDS * 2.5)
    house.tell(*TOPICS)
    house.run(4 * 3600)
    assert TOPICS[0] in [one.topic for one in house.asides]
    assert TOPICS[0] not in house.broker


def test_a_home_assistant_that_hangs_by_itself_gets_everything_back_and_is_left_alone() -> None:
    house = House(set())
    house.tell(*TOPICS)
    house.broken = True
    house.run(3600)
    assert set(house.broker) == set(TOPICS)
    assert house.asides == [] and not house.trial.runs
    assert ACQUITTED_SECONDS > 3600


@pytest.mark.parametrize("silence", [0, SILENCE_SECONDS - 2])
def test_restarts_by_a_person_are_no_reason(silence: float) -> None:
    trial = Trial()
    trial.tell([Retained(TOPICS[0], b"{}")])
    for start in (0.0, 100.0, 200.0):
        assert trial.look(Seen(up=True, answers=True), start) == []
        assert trial.look(Seen(up=True, answers=False), start + 10) == []
        assert trial.look(Seen(up=False, answers=False), start + 10 + silence) == []
    assert trial.hears == {TOPICS[0]: b"{}"}


def test_two_hung_starts_days_apart_are_none() -> None:
    trial = Trial()
    trial.tell([Retained(TOPICS[0], b"{}")])
    for start in (0.0, 86400.0):
        trial.look(Seen(up=True, answers=False), start)
        assert trial.look(Seen(up=False, answers=False), start + 100) == []


def withheld() -> Trial:
    """A trial that has taken everything, with Home Assistant down."""
    trial = Trial()
    trial.tell([Retained(topic, b"{}") for topic in TOPICS[:2]])
    trial.heard(OWN, b"{}")
    for start in (0.0, 100.0):
        trial.look(Seen(up=True, answers=False), start)
        taken = trial.look(Seen(up=False, answers=False), start + 50)
    assert taken == [Retained(topic) for topic in TOPICS[:2]]  # the box's own stay
    return trial


def test_nothing_is_given_before_it_hears_the_broker_or_is_taken_to() -> None:
    trial = withheld()
    up = Seen(up=True, answers=True)
    assert trial.look(up, 200) == []
    assert trial.look(up, 200 + CONNECT_SECONDS - 1) == []
    assert trial.look(up, 200 + CONNECT_SECONDS) == [Retained(TOPICS[0], b"{}")]
    assert trial.look(up, 200 + CONNECT_SECONDS + 1) == []
    trial = withheld()
    trial.connected(True)
    assert trial.look(up, 200) == [Retained(TOPICS[0], b"{}")]


def test_what_changes_while_it_waits_is_given_as_it_is_then() -> None:
    trial = withheld()
    assert trial.tell([Retained(TOPICS[0], b"new"), Retained(TOPICS[1])]) == []
    trial.connected(True)
    assert trial.look(Seen(up=True, answers=True), 200) == [Retained(TOPICS[0], b"new")]
    assert not trial.withheld


def test_a_restart_between_two_looks_ends_a_start_all_the_same() -> None:
    trial = Trial()
    trial.tell([Retained(TOPICS[0], b"{}")])
    trial.look(Seen(up=True, answers=False, begun=1.0), 100)
    assert trial.doubts
    assert trial.look(Seen(up=True, answers=False, begun=120.0), 121) == []
    trial.look(Seen(up=True, answers=True, begun=120.0), 140)
    trial.look(Seen(up=True, answers=False, begun=120.0), 150)
    assert trial.look(Seen(up=True, answers=True, begun=180.0), 181) == [Retained(TOPICS[0])]
    assert set(trial.withheld) == {TOPICS[0]}
