"""What a ring file says, and whether a box may believe it and takes its release. Pure.

A **release** is a signed, annotated tag. A **ring** is a name that many sites share; its ring file
``rings/<ring>.json`` says which release they take, and is signed as a whole. Its serial grows with
every change, so an old file that is shown again is known for one; after ``expires`` it is no longer
believed to be the newest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from hems import HemsError

NAMESPACE = "hems-ring"  # of the signature (ssh-keygen -Y -n): one of something else does not count
RELEASE = r"v\d{1,4}(\.\d{1,4}){2}(-[a-z0-9]{1,16}(\.[a-z0-9]{1,16}){0,3})?"  # v1.2.3, v1.2.3-rc.1
RING = r"[a-z][a-z0-9_]{0,31}"
COMMIT = r"[0-9a-f]{40}([0-9a-f]{24})?"

# Why something is refused; a word a reason, for programs.
MALFORMED = "malformed"
UNSIGNED = "unsigned"
WRONGLY_SIGNED = "wrongly_signed"
MOVED = "moved"
REPLAYED = "replayed"
EXPIRED = "expired"
OTHER_COMMIT = "other_commit"
UNREACHABLE = "unreachable"


class Refused(HemsError):
    """Why a release or a ring file is not taken: a sentence, and the word of its reason."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Ring(msgspec.Struct, frozen=True):
    """A ring file; keys that a later version adds are passed over."""

    ring: Annotated[str, msgspec.Meta(pattern=rf"^{RING}\Z")]
    release: Annotated[str, msgspec.Meta(pattern=rf"^{RELEASE}\Z")]
    commit: Annotated[str, msgspec.Meta(pattern=rf"^{COMMIT}\Z")]  # of the release
    percentage: Annotated[int, msgspec.Meta(ge=0, le=100)]  # of the sites; 0 halts the ring
    serial: Annotated[int, msgspec.Meta(ge=1)]
    expires: datetime  # UTC

    def text(self) -> bytes:
        """Return the file's content, the same each time."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def path_of(ring: str) -> str:
    """Return where the ring file is; its signature is beside it, with ``.sig``."""
    return f"rings/{ring}.json"


def parse(content: bytes, ring: str) -> Ring:
    """Return the ring file of ``ring``. Its signature has been verified before.

    Raises Refused when it is none, or another ring's.
    """
    try:
        found = msgspec.json.decode(content, type=Ring)
    except (msgspec.MsgspecError, ValueError) as error:
        sentence = f"The file of ring {ring} is signed but no ring file ({error}): promote again."
        raise Refused(MALFORMED, sentence) from error
    if found.expires.tzinfo is None:
        sentence = (
            f"The file of ring {ring} does not say its time zone in 'expires': promote again."
        )
        raise Refused(MALFORMED, sentence)
    if found.ring != ring:
        sentence = (
            f"The file of ring {ring} is that of ring {found.ring}: somebody put one in place of "
            "another on the server."
        )
        raise Refused(MALFORMED, sentence)
    return found


@dataclass(frozen=True)
class Seen:
    """What a box remembers of what it was shown and believed."""

    serials: Mapping[str, int] = field(default_factory=dict)  # the highest of each ring
    digests: Mapping[str, str] = field(default_factory=dict)  # of the file with that serial
    commits: Mapping[str, str] = field(default_factory=dict)  # of each release

    def after(self, ring: Ring) -> Seen:
        """Return what is remembered once the ring file is believed."""
        return Seen(
            {**self.serials, ring.ring: ring.serial},
            {**self.digests, ring.ring: digest(ring)},
            {**self.commits, ring.release: ring.commit},
        )


def digest(ring: Ring) -> str:
    """Return a hash of everything that the ring file says."""
    return hashlib.sha256(ring.text()).hexdigest()


def believe(ring: Ring, seen: Seen, now: datetime) -> None:
    """Check a signed ring file against what was seen before, at ``now`` (UTC).

    Raises Refused: it is older than one that was seen, another under the same serial, moves a
    release to another commit, or has expired.
    """
    last = seen.serials.get(ring.ring, 0)
    if ring.serial < last:
        raise Refused(
            REPLAYED,
            f"The server shows an old file of ring {ring.ring} (serial {ring.serial}, this box has "
            f"seen {last}): put the server right; until then the box stays on its release.",
        )
    if ring.serial == last and seen.digests.get(ring.ring, digest(ring)) != digest(ring):
        raise Refused(
            REPLAYED,
            f"Two files of ring {ring.ring} have the serial {last}: promote again, which gives it "
            "the next one.",
        )
    commit = seen.commits.get(ring.release, ring.commit)
    if commit != ring.commit:
        raise Refused(
            MOVED,
            f"Release {ring.release} was {commit[:12]} and is {ring.commit[:12]} now: a release "
            "never moves; make one with a name of its own.",
        )
    if ring.expires <= now:
        raise Refused(
            EXPIRED,
            f"The file of ring {ring.ring} has expired ({ring.expires:%Y-%m-%d %H:%M} UTC): the "
            "server is not up to date, or the fleet's operator has to renew it with "
            f"playbooks/promote.yml -e ring={ring.ring}.",
        )


def draw(site: str, release: str) -> float:
    """Return a number from 0 up to, not including, 100: a site's own for each release."""
    number = int.from_bytes(hashlib.sha256(f"{site}\0{release}".encode()).digest()[:8], "big")
    return number / 2**64 * 100


def is_drawn(site: str, ring: Ring) -> bool:
    """Whether the ring's percentage reaches the site; who was reached stays so when it grows."""
    return draw(site, ring.release) < ring.percentage


def kept_back(variables: Mapping[str, object], release: str) -> str:
    """Return why a site's own variables in a release keep it from it; empty: they do not.

    They are read in the release that is to be taken: a hold ends with a release without it.
    """
    if hold := variables.get("hems_update_hold"):
        return f"{release} is not for this site, as its inventory holds it: {hold}."
    pin = variables.get("hems_update_pin")
    if pin and pin != release:
        return f"{release} is not for this site, as its inventory pins it to {pin}."
    return ""


def utc(text: str) -> datetime:
    """Return an ISO 8601 time as UTC; one without a zone is UTC. Raises ValueError."""
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def is_release(name: str) -> bool:
    """Whether a tag has the name of a release."""
    return re.fullmatch(RELEASE, name) is not None
