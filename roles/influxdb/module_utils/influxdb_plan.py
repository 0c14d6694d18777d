# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Decide what InfluxDB's set-up still needs: no I/O, only what was seen and what is wanted."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Grant = tuple[str, str]  # action (read, write) and bucket id
TOKEN_FILE = "influxdb_token_"  # begins the names of our tokens' files


@dataclass(frozen=True)
class Bucket:
    """A bucket that must be there; retention in seconds, 0 for ever.

    None: made for ever, and then whatever somebody else has set. ``shard``: seconds that a file of
    a new bucket spans, 0 as the server likes it.
    """

    name: str
    retention: int | None
    shard: int = 0


@dataclass(frozen=True)
class Token:
    """A token that must be there, known by its description, kept in the secret called ``file``."""

    description: str
    file: str
    read: frozenset[str]
    write: frozenset[str]

    def grants(self, bucket_ids: Mapping[str, str]) -> frozenset[Grant]:
        """Return what the token may do, by bucket id."""
        reads = {("read", bucket_ids[name]) for name in self.read}
        return frozenset(reads | {("write", bucket_ids[name]) for name in self.write})


def permissions(grants: Iterable[Grant], org_id: str) -> list[dict[str, Any]]:
    """Return the permissions of ``POST /api/v2/authorizations``."""
    return [
        {"action": action, "resource": {"type": "buckets", "id": bucket, "orgID": org_id}}
        for action, bucket in sorted(grants)
    ]


def granted(authorization: Mapping[str, Any]) -> frozenset[Grant] | None:
    """Return what a listed authorization may do; None when it is more than named buckets."""
    grants = set()
    for permission in authorization.get("permissions") or []:
        resource = permission["resource"]
        if resource.get("type") != "buckets" or not resource.get("id"):
            return None
        grants.add((permission["action"], resource["id"]))
    return frozenset(grants)


def named(authorizations: Iterable[Mapping[str, Any]], description: str) -> list[Mapping[str, Any]]:
    """Return the listed authorizations with this description."""
    return [one for one in authorizations if one.get("description") == description]


def left_over(
    authorizations: Iterable[Mapping[str, Any]], owned: str, wanted: Container[str]
) -> list[Mapping[str, Any]]:
    """Return the listed authorizations that are ours by their description, and not wanted any more.

    ``owned`` is what the descriptions of ours begin with; an owner's or an engineer's are others.
    """
    described = [(str(one.get("description") or ""), one) for one in authorizations]
    return [one for name, one in described if name.startswith(owned) and name not in wanted]


def is_current(listed: list[Mapping[str, Any]], grants: frozenset[Grant], proven: bool) -> bool:
    """Tell whether exactly the wanted token exists and its file holds it.

    The server lists no tokens, so whether the file's token is the listed one is shown by what it
    can do (``proven``). Two of one description are what an interrupted run leaves: nobody knows
    which is whose.
    """
    return (
        len(listed) == 1
        and listed[0].get("status") == "active"
        and granted(listed[0]) == grants
        and proven
    )


def retention(bucket: Mapping[str, Any]) -> int:
    """Return a listed bucket's retention in seconds, 0 for ever."""
    rules = [rule for rule in bucket.get("retentionRules") or [] if rule.get("type") == "expire"]
    return int(rules[0]["everySeconds"]) if rules else 0


def retention_rules(bucket: Bucket) -> list[dict[str, Any]]:
    """Return the retention rules of ``POST`` and ``PATCH /api/v2/buckets``."""
    rule = {"type": "expire", "everySeconds": bucket.retention or 0}
    return [{**rule, "shardGroupDurationSeconds": bucket.shard} if bucket.shard else rule]


def databases(body: Any) -> frozenset[str] | None:
    """Return the names in an answer to ``SHOW DATABASES``; None when it is none."""
    try:
        series = body["results"][0]["series"][0]
        return frozenset(row[0] for row in series.get("values", []))
    except (KeyError, IndexError, TypeError):
        return None
