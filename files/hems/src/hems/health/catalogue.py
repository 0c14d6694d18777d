"""The health catalogue: every issue that the box can have, under a code that never changes.

``catalogue.toml`` beside this file holds the box's own; a service's are in its entry
(``hems/services.py``). What is here gives them types and an order.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

CRITICAL = "critical"  # readings are lost, or the owner sees nothing
WARNING = "warning"  # it works, but not for long or not as it should
NOTICE = "notice"  # meant so; only shown
SEVERITIES = (CRITICAL, WARNING, NOTICE)  # the most severe first


@dataclass(frozen=True)
class Kind:
    """One entry of the catalogue."""

    code: str
    severity: str
    blink: int  # flashes of the LED; 0 for a notice, which is not blinked
    title: str
    meaning: str  # for the owner
    does: str  # the box, by itself
    cure: str  # a person
    hold: float = 0.0  # seconds that it must last before it is an issue


Named = Callable[[str], Kind]  # gives the issue of a code, also one of a service's entry


@dataclass(frozen=True)
class Issue:
    """A kind that is open now; ``subject`` tells several of one kind apart."""

    kind: Kind
    subject: str = ""  # a unit, an integration …
    detail: str = ""  # what was observed
    since: str = ""  # UTC, ISO 8601

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same issue from one look to the next."""
        return self.kind.code, self.subject

    def __str__(self) -> str:
        about = f" ({self.subject})" if self.subject else ""
        seen = f": {self.detail}" if self.detail else ""
        return f"{self.kind.title}{about}{seen}"


def parse(text: str) -> dict[str, Kind]:
    """Return the entries of a catalogue (TOML) by their code.

    Raises TypeError on a key that an entry can't have, ValueError on a code that is there twice.
    """
    kinds: dict[str, Kind] = {}
    for entry in tomllib.loads(text)["kind"]:
        kind = Kind(**entry)
        if kind.code in kinds:
            raise ValueError(f"the code {kind.code} is there twice")
        kinds[kind.code] = kind
    return kinds


KINDS = parse((resources.files(__package__) / "catalogue.toml").read_text(encoding="utf-8"))


def issue(code: str, detail: str = "", subject: str = "") -> Issue:
    """Return an open issue of the catalogue.

    Raises KeyError when the catalogue has no such code.
    """
    return Issue(KINDS[code], subject, detail)


def rank(item: Issue) -> tuple[int, int, str, str]:
    """Return the key that sorts the most severe first."""
    return (SEVERITIES.index(item.kind.severity), item.kind.blink, *item.key)
