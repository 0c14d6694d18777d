"""Users, organizations, buckets and tokens: what InfluxDB 2 keeps in its metadata."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

HOUR = 3600
DAY = 24 * HOUR
SYSTEM_BUCKETS = {"_tasks": 3 * DAY, "_monitoring": 7 * DAY}  # retention in seconds

# What an operator may do everything with (authz.go, AllResourceTypes).
RESOURCE_TYPES = """
authorizations buckets dashboards orgs sources tasks telegrafs users variables scrapers secrets
labels views documents notificationRules notificationEndpoints checks dbrp notebooks annotations
remotes replications
"""


def new_id() -> str:
    """Return 64 random bits as 16 hexadecimal digits."""
    return secrets.token_hex(8)


def new_token() -> str:
    """Return a token like the real server's: 64 random bytes, URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(64)).decode()


def hash_token(token: str) -> str:
    """Return what is kept of a token; it is random, so it needs no salt."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode()
    return f"$influxdb2-sha256${digest}"


def hash_password(password: str, salt: bytes | None = None) -> str:
    """Return what is kept of a password (scrypt, RFC 7914), ``salt:hash`` in hexadecimal."""
    salt = salt or secrets.token_bytes(16)
    return f"{salt.hex()}:{hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1).hex()}"


def is_password(password: str, kept: str) -> bool:
    """Tell whether this is the password of which ``kept`` was made."""
    salt = bytes.fromhex(kept.partition(":")[0])
    return secrets.compare_digest(hash_password(password, salt), kept)


def timestamp() -> str:
    """Return the time now as the API writes it (RFC 3339, nanoseconds)."""
    now = time.time_ns()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)) + f".{now % 10**9:09d}Z"


@dataclass(frozen=True)
class Permission:
    """An action on a type of resource, or on one of them, or on those of one organization."""

    action: str
    type: str
    id: str | None = None
    org_id: str | None = None

    def covers(self, action: str, kind: str, id_: str | None, org_id: str | None) -> bool:
        """Tell whether this permits it (authz.go, PermissionAllowed)."""
        if (self.action, self.type) != (action, kind):
            return False
        if self.org_id is None and self.id is None:
            return True
        if self.id is None:
            return self.org_id == org_id
        return self.id == id_ and self.org_id in (None, org_id)


@dataclass(frozen=True)
class User:
    """One who may sign in."""

    id: str
    name: str
    password: str  # hash_password


@dataclass(frozen=True)
class Org:
    """An organization."""

    id: str
    name: str
    created: str
    updated: str


@dataclass(frozen=True)
class Bucket:
    """A bucket; the engine's database of the same name. Retention in seconds, 0 for ever."""

    id: str
    org_id: str
    name: str
    retention: int
    created: str
    updated: str
    type: str = "user"
    description: str = ""

    @property
    def shard(self) -> int:
        """Seconds that one shard group holds (v1/services/meta, shardGroupDuration)."""
        if self.retention == 0 or self.retention > 180 * DAY:
            return 7 * DAY
        return DAY if self.retention >= 2 * DAY else HOUR


@dataclass(frozen=True)
class Authorization:
    """A token's rights, and its account's password at the engine; the token itself is not kept."""

    id: str
    token: str  # hash_token
    org_id: str
    user_id: str
    description: str
    permissions: tuple[Permission, ...]
    engine_password: str
    created: str
    updated: str
    status: str = "active"

    def allows(
        self, action: str, kind: str, id_: str | None = None, org_id: str | None = None
    ) -> bool:
        """Tell whether a permission covers it and the token is active."""
        covered = any(one.covers(action, kind, id_, org_id) for one in self.permissions)
        return self.status == "active" and covered


def operator_permissions() -> tuple[Permission, ...]:
    """Return the right to everything."""
    return tuple(
        Permission(action, kind) for kind in RESOURCE_TYPES.split() for action in ("read", "write")
    )


@dataclass
class State:
    """Everything, by id."""

    users: dict[str, User] = field(default_factory=dict)
    orgs: dict[str, Org] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    authorizations: dict[str, Authorization] = field(default_factory=dict)
    engine_password: str = ""  # its administrator's

    def org_named(self, name: str) -> Org | None:
        """Return the organization of this name."""
        return next((one for one in list(self.orgs.values()) if one.name == name), None)

    def user_named(self, name: str) -> User | None:
        """Return the user of this name."""
        return next((one for one in self.users.values() if one.name == name), None)

    def bucket_named(self, name: str, org_id: str | None = None) -> Bucket | None:
        """Return the bucket of this name, of one organization or of any."""
        named = (one for one in list(self.buckets.values()) if one.name == name)
        return next((one for one in named if org_id in (None, one.org_id)), None)

    def readable(self, authorization: Authorization) -> list[Bucket]:
        """Return the buckets that the token may read, by name."""
        buckets = sorted(self.buckets.values(), key=lambda one: one.name)
        return [
            one for one in buckets if authorization.allows("read", "buckets", one.id, one.org_id)
        ]


Record = TypeVar("Record", User, Org, Bucket, Authorization)


def changed(record: Record, **changes: Any) -> Record:
    """Return the record with the changes, and its time of change where it has one."""
    if hasattr(record, "updated"):
        changes["updated"] = timestamp()
    return replace(record, **changes)


def permissions_from(listed: Iterable[Mapping[str, Any]]) -> tuple[Permission, ...]:
    """Return permissions as the API writes them."""
    return tuple(
        Permission(
            one["action"],
            one["resource"]["type"],
            one["resource"].get("id"),
            one["resource"].get("orgID"),
        )
        for one in listed
    )
