"""What devices have announced, and what Home Assistant was told of it. Pure.

Devices publish ``homeassistant/<component>/<account>/<object>/config`` (retained, as Home
Assistant's discovery has it), and Home Assistant hears ``<prefix>/<component>/…`` alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from hems.discovery.vet import RefusedError, vet
from hems.settings import Accounts

FROM_DEVICES = "homeassistant"
WATCHDOG = "hems"  # its account speaks to Home Assistant directly, as the box's services do
ENTITIES = 40  # of one account
BYTES = 64 * 1024  # that one account's messages have in all
CHANGES, HOUR = 200, 3600.0  # of one account, in seconds: Home Assistant sets an entity up anew
PROBLEMS = 64  # that are remembered

_TOPIC = re.compile(r"([a-z0-9_-]+)/([a-z_]+)/([A-Za-z0-9_-]+)/([A-Za-z0-9_-]{1,64})/config")


def own(accounts: Accounts) -> tuple[str, ...]:
    """Return the box's own accounts that speak to Home Assistant directly."""
    return (WATCHDOG, *accounts.mqtt_services)


@dataclass(frozen=True)
class Retained:
    """A message that the broker keeps; an empty one takes it out."""

    topic: str
    payload: bytes = b""


@dataclass
class Book:
    """``prefix`` is what Home Assistant listens to, ``accounts`` are the devices'.

    ``own`` are the box's, which speak to Home Assistant directly.
    """

    prefix: str
    accounts: Collection[str]
    own: Collection[str] = (WATCHDOG,)
    told: dict[str, bytes] = field(default_factory=dict)  # Home Assistant's topics
    problems: dict[str, str] = field(default_factory=dict)  # devices' topics that were refused
    changes: dict[str, list[float]] = field(default_factory=dict)  # when, by account

    def announced(self, topic: str, payload: bytes, now: float) -> list[Retained]:
        """Return what to publish after a device's message at ``now`` (monotonic seconds)."""
        found = _TOPIC.fullmatch(topic)
        if found is None or found[3] not in self.accounts:
            # An account that is gone, or the box's own of an older release.
            return [Retained(topic)] if payload else []
        _, component, account, name = found.groups()
        ours = f"{self.prefix}/{component}/{account}/{name}/config"
        self.problems.pop(topic, None)
        if not payload:
            return self._take_back(ours)
        try:
            content = vet(component, account, payload, self.accounts)
            if self.told.get(ours) == content:
                return []
            self._bound(account, ours, content)
            self._count(account, now)
        except RefusedError as error:
            self._remember(topic, str(error))
            return self._take_back(ours)
        self.told[ours] = content
        return [Retained(ours, content)]

    def taken_out(self, topic: str) -> list[Retained]:
        """Return what to publish after somebody has deleted a device in Home Assistant."""
        if self.told.pop(topic, None) is None:
            return []
        return [Retained(f"{FROM_DEVICES}/{topic.partition('/')[2]}")]

    def left_over(self, kept: Collection[str]) -> list[Retained]:
        """Return what takes out those of Home Assistant's topics that no device speaks for.

        ``kept`` are the topics that the broker kept for it when this began.
        """
        strangers = [topic for topic in kept if topic not in self.told]
        return [Retained(topic) for topic in strangers if topic.split("/")[2] not in self.own]

    def _take_back(self, ours: str) -> list[Retained]:
        return [Retained(ours)] if self.told.pop(ours, None) is not None else []

    def _remember(self, topic: str, problem: str) -> None:
        if len(self.problems) >= PROBLEMS:
            del self.problems[next(iter(self.problems))]
        self.problems[topic] = problem

    def _count(self, account: str, now: float) -> None:
        times = [at for at in self.changes.get(account, ()) if now - at < HOUR]
        if len(times) >= CHANGES:
            raise RefusedError(f"account {account} has changed {CHANGES} within an hour")
        self.changes[account] = [*times, now]

    def _bound(self, account: str, ours: str, content: bytes) -> None:
        begin = f"/{account}/"
        others = [
            len(text) for topic, text in self.told.items() if begin in topic and topic != ours
        ]
        if len(others) >= ENTITIES:
            raise RefusedError(f"account {account} has announced {ENTITIES} entities already")
        if sum(others) + len(content) > BYTES:
            raise RefusedError(f"account {account} would announce more than {BYTES} bytes")
