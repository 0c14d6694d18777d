"""Keeps the engine's databases and accounts in step with buckets and tokens.

The engine knows an account for each token, which may read what the token may read. What a query may
see is therefore decided by the engine, on its own parse of the query.
"""

from __future__ import annotations

import secrets

from .engine import ADMINISTRATOR, Account, Engine, Reply, quoted
from .http import ApiError
from .model import Authorization, Bucket, State


class Accounts:
    """The engine's side of the state."""

    def __init__(self, engine: Engine, state: State) -> None:
        self._engine = engine
        self._state = state

    @property
    def administrator(self) -> Account:
        """The engine's own account."""
        return Account(ADMINISTRATOR, self._state.engine_password)

    def account(self, authorization: Authorization) -> Account:
        """Return the account of a token; who may read everything asks as the administrator."""
        if authorization.allows("read", "buckets"):
            return self.administrator
        return Account(authorization.id, authorization.engine_password)

    def begin(self) -> bool:
        """Make the administrator on an empty engine; tell whether the state must be saved."""
        if self._state.engine_password:
            return False
        password = secrets.token_hex(24)
        # The engine asks for no password until there is an administrator.
        reply = self._engine.query(
            f"CREATE USER {quoted(ADMINISTRATOR)} WITH PASSWORD '{password}' WITH ALL PRIVILEGES",
            None,
        )
        if reply.error:
            raise RuntimeError(f"the engine's data belong to another state file: {reply.error}")
        self._state.engine_password = password
        return True

    def add_bucket(self, bucket: Bucket) -> None:
        """Make the bucket's database, and let those read it who may."""
        name = quoted(bucket.name)
        shard = f" SHARD DURATION {bucket.shard}s" if bucket.retention else ""
        duration = f"{bucket.retention}s" if bucket.retention else "INF"
        self._do(f'CREATE DATABASE {name} WITH DURATION {duration}{shard} NAME "autogen"')
        for one in self._state.authorizations.values():
            self._grant(one, bucket)

    def set_retention(self, bucket: Bucket) -> None:
        """Keep points for as long as the bucket says."""
        # 0s is the engine's way to say that it keeps them, and its default for a shard's length.
        duration = f"DURATION {bucket.retention}s SHARD DURATION {bucket.shard}s"
        self._do(f'ALTER RETENTION POLICY "autogen" ON {quoted(bucket.name)} {duration}')

    def drop_bucket(self, bucket: Bucket) -> None:
        """Delete the bucket's points."""
        self._do(f"DROP DATABASE {quoted(bucket.name)}")

    def add(self, authorization: Authorization) -> None:
        """Make a token's account."""
        if authorization.allows("read", "buckets"):
            return
        name, password = quoted(authorization.id), authorization.engine_password
        self._do(f"CREATE USER {name} WITH PASSWORD '{password}'")
        for bucket in self._state.buckets.values():
            self._grant(authorization, bucket)

    def drop(self, authorization: Authorization) -> None:
        """Remove a token's account."""
        if any(one.covers("read", "buckets", None, None) for one in authorization.permissions):
            return
        self._do(f"DROP USER {quoted(authorization.id)}")

    def _grant(self, authorization: Authorization, bucket: Bucket) -> None:
        everything = authorization.allows("read", "buckets")
        if not everything and authorization.allows("read", "buckets", bucket.id, bucket.org_id):
            self._do(f"GRANT READ ON {quoted(bucket.name)} TO {quoted(authorization.id)}")

    def _do(self, statement: str) -> Reply:
        reply = self._engine.query(statement, self.administrator)
        if reply.error and reply.error != "user not found":
            raise ApiError("internal error", f"the engine refused: {reply.error}")
        return reply
