"""What a receipt says, and how it travels. Pure; the operator's side reads it with the same code.

A receipt is one retained message of each site: the newest counts, also after an outage, so it tells
everything by itself: the release and which ones were undone, the open issues, the box's measures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from hems import HemsError
from hems.update.state import RESTART_UNDONE, UNDO, State, utc

NAMESPACE = "hems-receipt"  # of the signature (ssh-keygen -Y -n): one of something else is none
SITE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"  # an account's name, and a level of a topic
KEY = r"ssh-ed25519 [A-Za-z0-9+/]{68}"
BYTES = 96 * 1024  # of a sealed receipt
TOPICS = "fleet/+/receipt"
LINE, MANY = 300, 20  # characters of a sentence; entries of a list

Line = Annotated[str, msgspec.Meta(max_length=LINE)]
Word = Annotated[str, msgspec.Meta(max_length=100)]
Number = Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]
Result = Literal["ok", "updating", "undoing", "undone", "failed", "held"]


class ReceiptError(HemsError):
    """It is no receipt, or not that site's; the text goes on after "its receipt"."""


class Receipt(msgspec.Struct, frozen=True):
    """What a box says of itself; keys that a later version adds are passed over."""

    site: Annotated[str, msgspec.Meta(pattern=rf"^{SITE}\Z")]  # the box's host in the inventory
    time: datetime  # when it was made, by the box's clock
    ring: Word
    release: Word  # taken last; empty: the box was played from another computer
    commit: Word
    serial: Annotated[int, msgspec.Meta(ge=0)]  # of the newest file of its ring that it believes
    result: Result
    reason: Line  # why it is not "ok"
    said: Line  # the sentence of the updater's last look …
    looked: Word  # … and when that was, UTC
    undone: Annotated[dict[Word, Line], msgspec.Meta(max_length=MANY)]  # release: why
    ok: bool  # as `hems status` says
    problems: Annotated[tuple[Line, ...], msgspec.Meta(max_length=MANY)]
    issues: Annotated[dict[Word, Word], msgspec.Meta(max_length=MANY)]  # code: severity
    reading: Number | None  # seconds since the house's newest reading in InfluxDB
    disk: Number  # per cent in use
    temperature: Number | None  # degrees Celsius
    certificate: Number | None  # days until the first certificate ends
    versions: Annotated[dict[Word, Word], msgspec.Meta(max_length=MANY)]

    @property
    def critical(self) -> list[str]:
        """The codes of the critical issues."""
        return [code for code, severity in self.issues.items() if severity == "critical"]


class Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A receipt as it travels: its text to the letter, and who vouches for it."""

    receipt: Annotated[str, msgspec.Meta(max_length=BYTES)]
    key: Annotated[str, msgspec.Meta(pattern=rf"^{KEY}\Z")]  # the box's public one
    signature: Annotated[str, msgspec.Meta(max_length=4096)]


@dataclass(frozen=True)
class Look:
    """What was seen of the box itself."""

    problems: tuple[str, ...] = ()
    issues: Mapping[str, str] = field(default_factory=dict)
    reading: float | None = None  # Unix seconds of the newest one
    disk: float = 0.0
    temperature: float | None = None
    certificate: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


def topic(site: str) -> str:
    """Return where a site's receipt is."""
    return f"fleet/{site}/receipt"


def site_of(name: str) -> str:
    """Return the site that a topic belongs to; an empty text: it is no receipt's."""
    found = re.fullmatch(rf"fleet/({SITE})/receipt", name)
    return found[1] if found else ""


def build(site: str, ring: str, *, now: float, state: State, problem: str, look: Look) -> Receipt:
    """Return the receipt at ``now`` (Unix seconds); ``state``: what the updater remembers.

    ``problem``: the sentence that the updater left for the watchdog; empty: there is none.
    """
    result, reason = _outcome(state, problem)
    names = {commit: release for release, commit in state.commits.items()}
    undone = {names.get(commit, commit[:12]): _line(why) for commit, why in state.bad.items()}
    return Receipt(
        site=site,
        time=datetime.fromisoformat(utc(now)),
        ring=ring,
        release=state.release,
        commit=state.commit,
        serial=state.serials.get(ring, 0),
        result=result,
        reason=_line(reason),
        said=_line(state.result),
        looked=state.looked,
        undone=dict(list(undone.items())[-MANY:]),
        ok=not look.problems,
        problems=tuple(map(_line, look.problems[:MANY])),
        issues=dict(list(look.issues.items())[:MANY]),
        reading=None if look.reading is None else round(now - look.reading),
        disk=round(look.disk, 1),
        temperature=look.temperature,
        certificate=look.certificate,
        versions={name: version[:100] for name, version in list(look.versions.items())[:MANY]},
    )


def _outcome(state: State, problem: str) -> tuple[Result, str]:
    """Return how it stands with updates, and why where it is not well."""
    if state.phase:
        words: dict[str, Result] = {UNDO: "undoing", RESTART_UNDONE: "undoing"}
        return words.get(state.phase.step, "updating"), state.phase.reason or state.phase.release
    if state.hold:
        return "held", f"{state.hold.why} ({state.hold.by}, {state.hold.since})"
    is_packages = bool(state.bad_packages) and problem == state.packages
    if is_packages or any(why in problem for why in state.bad.values() if why):
        return "undone", problem
    return ("failed", problem) if problem else ("ok", "")


def _line(text: str) -> str:
    """Return a text on one line of a bounded length, without control characters."""
    line = "".join(one for one in " ".join(text.split()) if one.isprintable())
    return line if len(line) <= LINE else f"{line[: LINE - 2]} …"


def text_of(receipt: Receipt) -> bytes:
    """Return what is signed."""
    return msgspec.json.encode(receipt)


def seal(text: bytes, key: str, signature: str) -> bytes:
    """Return the message."""
    return msgspec.json.encode(Sealed(text.decode(), key, signature))


def unseal(payload: bytes) -> Sealed:
    """Return what came as a message; nothing of it is verified. Raises ReceiptError."""
    if len(payload) > BYTES:
        raise ReceiptError(f"has {len(payload)} bytes, and may have {BYTES}")
    try:
        return msgspec.json.decode(payload, type=Sealed)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ReceiptError(f"can't be read ({error})") from error


def parse(sealed: Sealed, site: str) -> Receipt:
    """Return a site's receipt; its signature has been verified before. Raises ReceiptError."""
    try:
        receipt = msgspec.json.decode(sealed.receipt, type=Receipt)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ReceiptError(f"is signed but can't be read ({error})") from error
    if receipt.site != site:
        raise ReceiptError(f"is one of {receipt.site}")
    if receipt.time.tzinfo is None:
        raise ReceiptError("does not say its time zone")
    return receipt
