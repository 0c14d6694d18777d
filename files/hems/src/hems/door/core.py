"""What the door's log-in decides: who is in, who may try again, where to go next. Pure.

Nothing is kept of a session but what its cookie says, signed with HMAC-SHA256 (RFC 2104); only the
sessions that were ended early are remembered. The key hangs on the password, so that a new password
ends every session.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

LOGIN = "/door/login"  # pages of the door's own; nginx passes them on as they are
LOGOUT = "/door/logout"
APART = "/door/apart.js"
HOME = "/door/"

SESSION_SECONDS = 7 * 86400
FORM_SECONDS = 3600  # that a page with the form may stay open
SKEW_SECONDS = 300  # by which the clock may have been set back since

FREE_TRIES = 5  # wrong log-ins of an address, until it has to wait
FIRST_WAIT = 5.0  # seconds; each further wrong one doubles it …
LONGEST_WAIT = 300.0  # … up to this
FORGOTTEN_AFTER = 3600.0  # without a wrong one
MOST_ADDRESSES = 4096  # that are remembered
MOST_ENDED = 4096

SEALED_BYTES = 256  # longer ones are none of ours
TARGET_BYTES = 2048


def derive_key(secret: str, user: str, password: str) -> bytes:
    """Return the key that signs: 32 bytes, others for another user name or password."""
    return hmac.digest(secret.encode(), f"{user}\0{password}".encode(), hashlib.sha256)


def same(given: str, expected: str) -> bool:
    """Whether two texts are equal; how long it takes says nothing of where they differ."""
    return hmac.compare_digest(_bytes(given), _bytes(expected))


def _bytes(text: str) -> bytes:
    # A header may hold bytes that are no UTF-8; they come as lone surrogates.
    return text.encode(errors="surrogateescape")


@dataclass(frozen=True)
class Seal:
    """A signed text with its time; ``purpose`` keeps one kind from being taken for another."""

    key: bytes
    purpose: str
    lifetime: float  # seconds

    def close(self, text: str, now: float) -> str:
        """Return the text (letters, digits, ``-`` and ``_``), sealed at ``now`` (Unix seconds)."""
        content = f"{text}.{int(now)}"
        return f"{content}.{self._signature(content)}"

    def open(self, sealed: str, now: float) -> str | None:
        """Return the text, or None when it is not ours, too old, or from the future."""
        content, _, signature = sealed[:SEALED_BYTES].rpartition(".")
        text, _, at = content.rpartition(".")
        if not same(signature, self._signature(content)):
            return None
        age = now - int(at)
        return text if -SKEW_SECONDS <= age < self.lifetime else None

    def _signature(self, content: str) -> str:
        digest = hmac.digest(self.key, _bytes(f"{self.purpose}.{content}"), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def prune(ended: Mapping[str, float], now: float) -> dict[str, float]:
    """Return the ended sessions (id: when, Unix seconds) that could still be shown, newest last."""
    kept = {key: at for key, at in ended.items() if now - at < SESSION_SECONDS + SKEW_SECONDS}
    return dict(sorted(kept.items(), key=lambda one: one[1])[-MOST_ENDED:])


@dataclass(frozen=True)
class _Failures:
    count: int
    last: float


class Throttle:
    """Makes an address wait that has sent too many wrong log-ins. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Return for how many seconds the address must not try; 0: it may."""
        known = self._failures.get(neighbourhood(address))
        if known is None or known.count < FREE_TRIES:
            return 0.0
        doublings = min(known.count - FREE_TRIES, 30)  # a float has room for more, not for all
        pause = min(FIRST_WAIT * 2.0**doublings, LONGEST_WAIT)
        return max(0.0, known.last + pause - now)

    def fail(self, address: str, now: float) -> int:
        """Note a wrong log-in; return how many it were in a row."""
        name = neighbourhood(address)
        known = self._failures.pop(name, None)
        fresh = known is not None and now - known.last < FORGOTTEN_AFTER
        count = known.count + 1 if known is not None and fresh else 1
        self._failures[name] = _Failures(count, now)
        if len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)
        return count

    def succeed(self, address: str) -> None:
        """Forget the wrong log-ins of an address."""
        self._failures.pop(neighbourhood(address), None)


def neighbourhood(address: str) -> str:
    """Return what counts as one address.

    Of IPv6 that is the /64, in which a host may choose any (RFC 4291); of a link-local one the
    whole, since there the /64 is everybody. What is no address is itself.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    if found.is_link_local:
        return str(found)
    return f"{IPv6Address(int(found) >> 64 << 64)}/64"


def target(wanted: str) -> str:
    """Return the path to go to after the log-in: the wanted one, if it is on this very site.

    >>> target("/influx/orgs?x=1"), target("//evil.example/"), target("https://evil.example/")
    ('/influx/orgs?x=1', '/door/', '/door/')
    """
    path = re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", wanted)
    fits = path and len(wanted) <= TARGET_BYTES and not wanted.startswith(HOME)
    return wanted if fits else HOME


def wanted_path(query: str) -> str:
    """Return what the raw query ``next=…`` asks for: all of it, as nginx can't encode it."""
    return target(query.removeprefix("next=")) if query.startswith("next=") else HOME


def cookies(header: str) -> dict[str, str]:
    """Return the cookies of a Cookie header (RFC 6265); of two with one name, the first."""
    found: dict[str, str] = {}
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, value)
    return found


def foreign(headers: Mapping[str, str]) -> bool:
    """Whether another site made the browser send this form (Fetch metadata, RFC 6454).

    ``headers`` must ignore case.
    """
    origin = headers.get("Origin")
    here = f"https://{headers.get('Host', '')}".lower()
    site = headers.get("Sec-Fetch-Site", "same-origin")
    return site not in ("same-origin", "none") or (origin is not None and origin.lower() != here)
