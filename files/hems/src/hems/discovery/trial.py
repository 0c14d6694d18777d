"""Finds the message that hangs Home Assistant, and keeps it from being heard again. Pure.

A retained message that Home Assistant can't bear hangs it at each start. Two starts that end in
silence make all of them suspect: they are withheld while it is down, and once it runs they are
given back one by one. The one after which it falls silent again is set aside, once it has shown
that it runs without.

Nothing is taken from a Home Assistant that runs: it would forget the entity and what its owner made
of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from hems.discovery.book import WATCHDOG, Retained

SILENCE_SECONDS = 10.0  # without an answer, at its end, make a start one that hung
STARTS = 2  # that hung …
STARTS_SECONDS = 7200.0  # … within this time
PROOF_SECONDS = 30.0  # that it must answer after a message: a meter reports within them
CERTAIN = 3  # times as long it must answer without one, until that one is set aside
CONNECT_SECONDS = 120.0  # in which it says that it hears; after them it is taken to
ACQUITTED_SECONDS = 86400.0  # after it hung without any of them


class Message(NamedTuple):
    """One content of one topic."""

    topic: str
    digest: str  # SHA-256, hexadecimal


@dataclass(frozen=True)
class Seen:
    """Home Assistant at one moment."""

    up: bool  # its unit
    answers: bool
    begun: float | None = None  # when its last start began; None: not asked


def identify(topic: str, payload: bytes) -> Message:
    """Return what tells a message from a later one of its topic."""
    return Message(topic, hashlib.sha256(payload).hexdigest())


@dataclass
class Trial:
    """What Home Assistant hears, and what it must not. Times are monotonic seconds."""

    proof: float = PROOF_SECONDS
    own: Collection[str] = (WATCHDOG,)  # who says the same on every box, and is no suspect
    refused: set[Message] = field(default_factory=set)  # set aside: never again
    hears: dict[str, bytes] = field(default_factory=dict)  # what the broker keeps for it
    withheld: dict[str, bytes] = field(default_factory=dict)  # until its turn comes
    fresh: list[Retained] = field(default_factory=list)  # set aside by the last look
    _accused: str = ""  # the topic that was given back last …
    _since: float = 0.0  # … since then
    _held: Retained | None = (
        None  # it hung after this one, and has to prove that it does not without
    )
    _found: bool = False  # one was set aside in this trial
    _answers_since: float | None = None
    _silent_since: float | None = None
    _begun: float | None = None
    hearing: bool = False  # Home Assistant has said that it hears the broker
    _hung: list[float] = field(default_factory=list)
    _acquitted: float | None = None

    @property
    def runs(self) -> bool:
        """Whether messages are on trial."""
        return bool(self.withheld or self._accused or self._held)

    @property
    def doubts(self) -> bool:
        """Whether it may have been restarted since the last look: ask when its start began."""
        return self.runs or self._silent_since is not None

    def tell(self, messages: Iterable[Retained]) -> list[Retained]:
        """Return what of these Home Assistant may hear now; the rest waits, or is refused."""
        return [message for message in messages if self._passes(message)]

    def heard(self, topic: str, payload: bytes) -> None:
        """Note what somebody else has put there for Home Assistant; empty: taken out."""
        if not payload:
            self.hears.pop(topic, None)
            self.withheld.pop(topic, None)
        elif topic.split("/")[2:3] not in [[name] for name in self.own]:
            self.hears[topic] = payload

    def connected(self, is_connected: bool) -> None:
        """Note that Home Assistant has said that it hears the broker, or no longer does."""
        self.hearing = is_connected

    def disconnected(self) -> None:
        """Note that the broker was away: Home Assistant has to find it again, too."""
        self.hearing, self._answers_since = False, None

    def settle(self, kept: Collection[str], told: Collection[str]) -> list[Retained]:
        """Take up what a new connection found: ``kept`` by the broker, or ``told`` since.

        Return what takes out of it what has to wait.
        """
        self.hears = {
            topic: payload
            for topic, payload in self.hears.items()
            if topic in kept or topic in told
        }
        waiting = {*self.withheld, *([self._held.topic] if self._held else [])}
        return [Retained(topic) for topic in kept if topic in waiting]

    def look(self, seen: Seen, now: float) -> list[Retained]:
        """Return what to publish; what was set aside is in ``fresh``."""
        self.fresh = []
        begun, self._begun = self._begun, seen.begun or self._begun
        if not seen.up or begun not in (None, self._begun):
            return self._down(now)
        if not seen.answers:
            self._answers_since = None
            if self._silent_since is None:
                self._silent_since = now
            return []
        self._silent_since = None
        if self._answers_since is None:
            self._answers_since = now
        return self._go_on(now) if self.runs else []

    def _passes(self, message: Retained) -> bool:
        topic, payload = message.topic, message.payload
        held = self._held is not None and self._held.topic == topic
        if not payload:
            self._held = None if held else self._held
            waited = held or self.withheld.pop(topic, None) is not None
            return self.hears.pop(topic, None) is not None or not waited
        if identify(topic, payload) in self.refused:
            return False
        if held:
            self._held = message
            return False
        if topic in self.withheld or (self.runs and topic not in self.hears):
            self.withheld[topic] = payload
            return False
        self.hears[topic] = payload
        return True

    def _down(self, now: float) -> list[Retained]:
        self.hearing, self._answers_since = False, None
        silent, self._silent_since = self._silent_since, None
        if silent is None or now - silent < SILENCE_SECONDS:
            return []  # somebody stopped it, or it has been down before
        if self.runs and not self.hears:
            self._acquitted = now  # it hangs without any of them
            return self._give_back()
        if self._held is not None:  # not after that one: it took longer
            self.proof *= 2
            return self._withhold()
        if self._accused:
            return self._hold()
        self._hung = [at for at in self._hung if now - at < STARTS_SECONDS] + [now]
        if len(self._hung) < STARTS or self._is_acquitted(now):
            return []
        self._found = False
        return self._withhold()

    def _is_acquitted(self, now: float) -> bool:
        return self._acquitted is not None and now - self._acquitted < ACQUITTED_SECONDS

    def _withhold(self) -> list[Retained]:
        self._hung.clear()
        taken, self.hears = self.hears, {}
        self._wait(taken)
        self._accused = ""
        return [Retained(topic) for topic in taken]

    def _wait(self, messages: dict[str, bytes]) -> None:
        """Put messages in front of those that wait, and the one that was held behind all."""
        held, self._held = self._held, None
        self.withheld = messages | self.withheld
        if held is not None:
            self.withheld[held.topic] = held.payload

    def _hold(self) -> list[Retained]:
        topic, self._accused = self._accused, ""
        payload = self.hears.pop(topic, None)
        if payload is None:  # taken out meanwhile
            return []
        self._held = Retained(topic, payload)
        return [Retained(topic)]

    def _give_back(self) -> list[Retained]:
        self._wait({})
        given, self.withheld, self._accused = self.withheld, {}, ""
        self.hears |= given
        return [Retained(topic, payload) for topic, payload in given.items()]

    def _go_on(self, now: float) -> list[Retained]:
        begun = self._answers_since if self._answers_since is not None else now
        if not self.hearing and now - begun < CONNECT_SECONDS:
            return []
        if self._held is not None:
            if now - begun >= self.proof * CERTAIN:
                self._condemn(self._held)
            return []
        proven = now - max(self._since, begun) if self._accused else self.proof
        if proven < self.proof:
            return []
        if not self.withheld:
            if proven >= self.proof * CERTAIN:
                self._end()
            return []
        topic = next(iter(self.withheld))
        payload = self.withheld.pop(topic)
        self.hears[topic] = payload
        self._accused, self._since = topic, now
        return [Retained(topic, payload)]

    def _condemn(self, message: Retained) -> None:
        self.refused.add(identify(message.topic, message.payload))
        self.fresh.append(message)
        self._held, self._found = None, True

    def _end(self) -> None:
        """All are back, and it bears them."""
        self._accused = ""
        if not self._found:  # should it hang again: look for longer
            self.proof *= 2
