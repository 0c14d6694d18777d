"""Set-up, users, and signing in and out."""

from __future__ import annotations

import json
import re
import secrets
import time
from email.utils import formatdate

from . import shapes
from .access import COOKIE, Access, basic_pair, cookie, need
from .accounts import Accounts
from .config import Config
from .http import NO_CONTENT, Answer, ApiError, Request, ok, unauthorized
from .model import (
    SYSTEM_BUCKETS,
    Authorization,
    Bucket,
    Org,
    User,
    changed,
    hash_password,
    hash_token,
    is_password,
    new_id,
    new_token,
    operator_permissions,
    timestamp,
)
from .resources import retention_seconds
from .store import Store

_CLASSES = ("[A-Z]", "[a-z]", "[0-9]", r"[!@#$%^&*()_+]")
_LENGTH = "passwords must be between 8 and 72 characters long"
_STRENGTH = (
    "passwords must contain at least three of the following character types: uppercase, lowercase, "
    "numbers, and special characters: !@#$%^&*()_+"
)


def check_password(password: str, strong: bool) -> None:
    """Raise ApiError with every reason why the password is refused."""
    reasons = [] if 8 <= len(password) <= 72 else [_LENGTH]
    if strong and sum(bool(re.search(group, password)) for group in _CLASSES) < 3:
        reasons.append(_STRENGTH)
    if reasons:
        raise ApiError("invalid", "\n".join(reasons))


class People:
    """`/api/v2/setup`, `users`, `me`, `signin` and `signout`."""

    def __init__(self, store: Store, accounts: Accounts, access: Access, config: Config) -> None:
        self._store = store
        self._state = store.state
        self._accounts = accounts
        self._access = access
        self._config = config

    def may_set_up(self) -> Answer:
        """Answer whether the server is still empty."""
        return ok({"allowed": not self._state.users and not self._state.orgs})

    def set_up(self, request: Request) -> Answer:
        """Make user, organization, buckets and the operator's token."""
        try:
            body = json.loads(request.data())
        except ValueError as problem:
            raise ApiError("internal error", "unexpected EOF") from problem
        if self._state.users or self._state.orgs:
            raise ApiError("conflict", "onboarding has already been completed")
        missing = [name for name in ("username", "org", "bucket") if not body.get(name)]
        if missing:
            words = f"onboarding failed: missing required fields [{','.join(missing)}]"
            raise ApiError("unprocessable entity", words)
        check_password(body.get("password", ""), self._config.strong_passwords)
        now = timestamp()
        user = User(new_id(), body["username"], hash_password(body["password"]))
        org = Org(new_id(), body["org"], now, now)
        seconds = int(body.get("retentionPeriodSeconds") or 0)
        retention_seconds([{"type": "expire", "everySeconds": seconds}])
        token = body.get("token") or new_token()
        operator = Authorization(
            id=new_id(),
            token=hash_token(token),
            org_id=org.id,
            user_id=user.id,
            description=f"{user.name}'s Token",
            permissions=operator_permissions(),
            engine_password=secrets.token_hex(24),
            created=now,
            updated=now,
        )
        first = Bucket(new_id(), org.id, body["bucket"], seconds, now, now)
        system = [
            Bucket(new_id(), org.id, name, kept, now, now, "system", f"System bucket {name}")
            for name, kept in SYSTEM_BUCKETS.items()
        ]
        for bucket in (first, *system):
            self._accounts.add_bucket(bucket)
        self._state.users[user.id] = user
        self._state.orgs[org.id] = org
        self._state.buckets |= {bucket.id: bucket for bucket in (first, *system)}
        self._state.authorizations[operator.id] = operator
        self._store.save()
        return ok(shapes.onboarded(user, org, first, operator, token), 201)

    def sign_in(self, request: Request) -> Answer:
        """Begin a session."""
        name, password = basic_pair(request) or ("", "")
        user = self._state.user_named(name)
        if user is None or not is_password(password, user.password):
            raise unauthorized()
        key = self._access.open_session(user.id)
        expires = formatdate(time.time() + self._config.session_minutes * 60, usegmt=True)
        value = f"{COOKIE}={key}; Path=/api/; Expires={expires}; HttpOnly; SameSite=Strict"
        return Answer(204, headers={"Set-Cookie": value})

    def sign_out(self, request: Request) -> Answer:
        """End the session."""
        if not self._access.close_session(cookie(request)):
            raise unauthorized()
        return NO_CONTENT

    def me(self, who: Authorization) -> Answer:
        """Answer who asks."""
        need(who, "read", "users", who.user_id)
        return ok(shapes.user(self._state.users[who.user_id]))

    def users(self, who: Authorization, request: Request) -> Answer:
        """List the users that the token may see."""
        name = request.params.get("name")
        found = [one for one in self._state.users.values() if name in (None, one.name)]
        if name and not found:
            raise ApiError("not found", "user not found")
        seen = [shapes.user(one) for one in found if who.allows("read", "users", one.id)]
        return ok({"links": {"self": "/api/v2/users"}, "users": seen})

    def _user(self, id_: str) -> User:
        if id_ not in self._state.users:
            raise ApiError("not found", "user not found")
        return self._state.users[id_]

    def user(self, who: Authorization, id_: str) -> Answer:
        """Answer one user."""
        need(who, "read", "users", id_)
        return ok(shapes.user(self._user(id_)))

    def rename(self, who: Authorization, id_: str, request: Request) -> Answer:
        """Change a user's name."""
        need(who, "write", "users", id_)
        name = request.json().get("name") or self._user(id_).name
        other = self._state.user_named(name)
        if other and other.id != id_:
            raise ApiError("conflict", f"user with name {name} already exists")
        self._state.users[id_] = changed(self._user(id_), name=name)
        self._store.save()
        return ok(shapes.user(self._state.users[id_]))

    def set_password(self, who: Authorization, id_: str, request: Request) -> Answer:
        """Change a user's password."""
        need(who, "write", "users", id_)
        password = str(request.json().get("password") or "")
        check_password(password, self._config.strong_passwords)
        self._state.users[id_] = changed(self._user(id_), password=hash_password(password))
        self._store.save()
        return NO_CONTENT
