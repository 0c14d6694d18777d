"""Tokens."""

from __future__ import annotations

import secrets

from . import shapes
from .access import need
from .accounts import Accounts
from .http import NO_CONTENT, Answer, ApiError, Request, ok, unauthorized
from .model import (
    Authorization,
    changed,
    hash_token,
    new_id,
    new_token,
    permissions_from,
    timestamp,
)
from .resources import check_id
from .store import Store

KIND = "authorizations"


class Authorizations:
    """`/api/v2/authorizations`."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._state = store.state
        self._accounts = accounts

    def list(self, who: Authorization, request: Request) -> Answer:
        """List the tokens that the token may see; never the tokens themselves."""
        org = request.params.get("orgID")
        if name := request.params.get("org"):
            named = self._state.org_named(name)
            org = named.id if named else ""
        seen = [
            shapes.authorization(one, self._state)
            for one in self._state.authorizations.values()
            if org in (None, one.org_id) and who.allows("read", KIND, one.id, one.org_id)
        ]
        return ok({"links": {"self": "/api/v2/authorizations"}, KIND: seen})

    def _one(self, who: Authorization, action: str, id_: str) -> Authorization:
        found = self._state.authorizations.get(check_id(id_))
        if found is None:
            raise ApiError("not found", "authorization not found")
        need(who, action, KIND, id_, found.org_id)
        return found

    def get(self, who: Authorization, id_: str) -> Answer:
        """Answer one token's rights."""
        return ok(shapes.authorization(self._one(who, "read", id_), self._state))

    def create(self, who: Authorization, request: Request) -> Answer:
        """Make a token; this answer is the only one that shows it."""
        if not request.raw:
            raise ApiError("invalid", "invalid json structure: EOF")
        body = request.json()
        org_id = str(body.get("orgID") or "")
        if not org_id:
            raise ApiError("invalid", "org id required: invalid ID")
        if not body.get("permissions"):
            raise ApiError("invalid", "authorization must include permissions")
        permissions = permissions_from(body["permissions"])
        need(who, "write", KIND, None, org_id)
        for one in permissions:
            if not who.allows(one.action, one.type, one.id, one.org_id):
                words = f"permission {one.action}:{one.type} is not allowed"
                raise unauthorized(words)
        if org_id not in self._state.orgs:
            raise ApiError("not found", "organization not found")
        now, token = timestamp(), new_token()
        made = Authorization(
            id=new_id(),
            token=hash_token(token),
            org_id=org_id,
            user_id=str(body.get("userID") or who.user_id),
            description=str(body.get("description") or ""),
            permissions=permissions,
            engine_password=secrets.token_hex(24),
            created=now,
            updated=now,
        )
        self._accounts.add(made)
        self._state.authorizations[made.id] = made
        self._store.save()
        return ok(shapes.authorization(made, self._state, token), 201)

    def change(self, who: Authorization, id_: str, request: Request) -> Answer:
        """Switch a token on or off, or describe it anew."""
        found, body = self._one(who, "write", id_), request.json()
        status = body.get("status", found.status)
        if status not in ("active", "inactive"):
            raise ApiError("invalid", "encodeAuthorization: unknown authorization status")
        text = str(body.get("description", found.description))
        self._state.authorizations[id_] = changed(found, status=status, description=text)
        self._store.save()
        return ok(shapes.authorization(self._state.authorizations[id_], self._state))

    def delete(self, who: Authorization, id_: str) -> Answer:
        """Delete a token."""
        found = self._one(who, "write", id_)
        del self._state.authorizations[id_]
        self._store.save()
        self._accounts.drop(found)
        return NO_CONTENT
