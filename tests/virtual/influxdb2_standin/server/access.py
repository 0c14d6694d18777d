"""Who asks: tokens, sessions, and what they may do."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .http import ApiError, Request, unauthorized
from .model import Authorization, State, hash_token, new_token, operator_permissions

COOKIE = "influxdb-oss-session"


def basic_pair(request: Request) -> tuple[str, str] | None:
    """Return user and password of basic authentication, None without."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def cookie(request: Request) -> str:
    """Return the session's key, empty without."""
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


@dataclass
class Access:
    """Finds out who asks. ``clock`` gives monotonic seconds."""

    state: State
    session_seconds: int
    clock: Callable[[], float] = time.monotonic
    _sessions: dict[str, tuple[str, float]] = field(default_factory=dict)

    def open_session(self, user_id: str) -> str:
        """Begin a session; return its key."""
        key = new_token()
        self._sessions[key] = (user_id, self.clock() + self.session_seconds)
        return key

    def close_session(self, key: str) -> bool:
        """End a session; tell whether there was one."""
        return self._sessions.pop(key, None) is not None

    def _session(self, key: str) -> Authorization | None:
        user_id, ends = self._sessions.get(key, ("", 0.0))
        if ends <= self.clock() or user_id not in self.state.users:
            self._sessions.pop(key, None)
            return None
        self._sessions[key] = (user_id, self.clock() + self.session_seconds)
        org_id = next(iter(self.state.orgs), "")
        return Authorization("", "", org_id, user_id, "", operator_permissions(), "", "", "")

    def token(self, token: str) -> Authorization | None:
        """Return the authorization of a token."""
        kept = hash_token(token)
        return next(
            (one for one in list(self.state.authorizations.values()) if one.token == kept), None
        )

    def who(self, request: Request) -> Authorization:
        """Return who asks the 2.x API. Raises ApiError."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() in ("token", "bearer"):
            found = self.token(token.strip())
        else:
            found = self._session(cookie(request))
        if found is None:
            raise unauthorized()
        return found

    def who_1x(self, request: Request) -> Authorization:
        """Return who asks the 1.x API: a token may also stand for the password. Raises ApiError."""
        pair = basic_pair(request)
        token = pair[1] if pair else request.params.get("p", "")
        if not token:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            token = token.strip() if scheme.lower() == "token" else ""
        if not token:
            raise unauthorized()
        if found := self.token(token):
            return found
        raise unauthorized("Unauthorized")


def need(
    who: Authorization, action: str, kind: str, id_: str | None = None, org_id: str | None = None
) -> None:
    """Raise ApiError unless who asks may do this."""
    if who.allows(action, kind, id_, org_id):
        return
    where = (f"orgs/{org_id}/" if org_id else "") + kind + (f"/{id_}" if id_ else "")
    raise unauthorized(f"{action}:{where} is unauthorized")


def need_write(who: Authorization, bucket_id: str, org_id: str) -> None:
    """Raise ApiError unless who asks may write points."""
    if who.status != "active":
        raise ApiError("forbidden", "insufficient permissions for write: token is inactive")
    if not who.allows("write", "buckets", bucket_id, org_id):
        raise ApiError("forbidden", "insufficient permissions for write")
