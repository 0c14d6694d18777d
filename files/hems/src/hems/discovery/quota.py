"""How much an account may leave in the broker, which keeps retained messages for good. Pure.

Mosquitto has no such bound of its own. What is retained is counted every few seconds, and what an
account has above its share is taken out again; what it had before stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from hems.discovery.book import FROM_DEVICES, WATCHDOG, Retained

STATES = "hems"  # <account>/…: where a device reports
MESSAGES = 200  # of one account
BYTES = 256 * 1024  # of one account's topics and payloads
HOME_ASSISTANT = "home_assistant"  # its account is not bound, as those of the box's own are not
TOPICS = (f"{STATES}/#", f"{FROM_DEVICES}/+/+/+/config")


@dataclass
class Count:
    """What one account keeps."""

    kept: dict[str, int] = field(default_factory=dict)  # topic: bytes
    size: int = 0
    taken_out: int = 0  # messages, in this count

    def fits(self, topic: str, size: int) -> bool:
        """Whether a message finds room, in the place of what is known of its topic."""
        before = self.kept.get(topic)
        messages = len(self.kept) + (before is None)
        return messages <= MESSAGES and self.size - (before or 0) + size <= BYTES

    def keep(self, topic: str, size: int) -> None:
        """Note a message."""
        self.forget(topic)
        self.kept[topic] = size
        self.size += size

    def forget(self, topic: str) -> None:
        """Note that a topic has no message any more."""
        self.size -= self.kept.pop(topic, 0)


@dataclass
class Quota:
    """The counts by account, and in which the last ``finish`` found too much."""

    own: Collection[str] = (WATCHDOG,)
    counts: dict[str, Count] = field(default_factory=dict)
    over: dict[str, int] = field(default_factory=dict)  # account: messages taken out
    _seen: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Begin a count: the broker says all that it keeps."""
        self._seen.clear()
        for count in self.counts.values():
            count.taken_out = 0

    def heard(self, topic: str, payload: bytes) -> list[Retained]:
        """Count a retained message; return what takes it out if it is too much."""
        account = _account(topic)
        if not account or account in (*self.own, HOME_ASSISTANT) or not payload:
            return []
        count = self.counts.setdefault(account, Count())
        size = len(topic.encode()) + len(payload)
        if not count.fits(topic, size):
            count.forget(topic)
            count.taken_out += 1
            return [Retained(topic)]
        self._seen.add(topic)
        count.keep(topic, size)
        return []

    def finish(self) -> None:
        """End the count: what was not said is not there any more."""
        for account, count in list(self.counts.items()):
            for topic in set(count.kept) - self._seen:
                count.forget(topic)
            if not count.kept and not count.taken_out:
                del self.counts[account]
        self.over = {name: one.taken_out for name, one in self.counts.items() if one.taken_out}


def said(over: Iterable[tuple[str, int]]) -> list[str]:
    """Return a sentence for each account that had too much, with the number taken out."""
    return [
        f"Account {account} keeps more than {MESSAGES} messages or {BYTES} bytes in the broker: "
        f"{number} were taken out."
        for account, number in over
    ]


def _account(topic: str) -> str:
    """Return whose a topic is; empty for one that no account is bound by."""
    parts = topic.split("/")
    place = {STATES: 1, FROM_DEVICES: 2}.get(parts[0], len(parts))
    return parts[place] if len(parts) > place + 1 else ""
