"""How much an account may leave in the broker, which keeps retained messages for good. Pure.

Mosquitto has no such bound of its own. What an account has above its share is taken out as soon as
it is heard; what the account had before stays. Now and then the broker says all that it keeps: a
flood may bring more at once than it passes on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from hems.discovery.book import FROM_DEVICES, WATCHDOG, Retained

STATES = "hems"  # <account>/…: where a device reports
MESSAGES = 200  # of one account
BYTES = 256 * 1024  # of one account's topics and payloads
NAMED_SECONDS = 600.0  # after the last message too many
HOME_ASSISTANT = "home_assistant"  # its account is not bound, as those of the box's own are not


@dataclass
class Count:
    """What one account keeps."""

    kept: dict[str, int] = field(default_factory=dict)  # topic: bytes
    size: int = 0
    taken_out: int = 0  # messages, since it was last within its share for NAMED_SECONDS
    at: float = 0.0  # when the last one was, monotonic seconds

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
    """The counts by account, and which of them had too much when the last one ended."""

    own: Collection[str] = (WATCHDOG,)
    counts: dict[str, Count] = field(default_factory=dict)
    over: dict[str, int] = field(default_factory=dict)  # account: messages taken out
    _seen: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Begin a count: the broker says all that it keeps."""
        self._seen.clear()

    def heard(self, topic: str, payload: bytes, now: float) -> list[Retained]:
        """Note a message that the broker retains; return what takes it out if it is too much."""
        account = _account(topic)
        if not account or account in (*self.own, HOME_ASSISTANT):
            return []
        count = self.counts.setdefault(account, Count())
        if not payload:
            count.forget(topic)
            return []
        size = len(topic.encode()) + len(payload)
        if not count.fits(topic, size):
            count.forget(topic)
            count.taken_out += 1
            count.at = now
            return [Retained(topic)]
        self._seen.add(topic)
        count.keep(topic, size)
        return []

    def finish(self, now: float, *, complete: bool) -> None:
        """End the count: of one that is complete, what was not said is not there any more."""
        for account, count in list(self.counts.items()):
            for topic in set(count.kept) - self._seen if complete else ():
                count.forget(topic)
            if now - count.at > NAMED_SECONDS:
                count.taken_out = 0
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
