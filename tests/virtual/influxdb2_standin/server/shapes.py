"""How the API writes users, organizations, buckets and tokens."""

from __future__ import annotations

from typing import Any

from .model import Authorization, Bucket, Org, Permission, State, User


def user(one: User) -> dict[str, Any]:
    """Return the user's JSON."""
    return {
        "links": {"self": f"/api/v2/users/{one.id}"},
        "id": one.id,
        "name": one.name,
        "status": "active",
    }


def org(one: Org) -> dict[str, Any]:
    """Return the organization's JSON."""
    base = f"/api/v2/orgs/{one.id}"
    by_name = {
        kind: f"/api/v2/{kind}?org={one.name}" for kind in ("buckets", "dashboards", "tasks")
    }
    by_id = {kind: f"{base}/{kind}" for kind in ("labels", "logs", "members", "owners", "secrets")}
    return {
        "links": {**by_name, **by_id, "self": base},
        "id": one.id,
        "name": one.name,
        "description": "",
        "createdAt": one.created,
        "updatedAt": one.updated,
    }


def bucket(one: Bucket) -> dict[str, Any]:
    """Return the bucket's JSON."""
    base = f"/api/v2/buckets/{one.id}"
    rule = {
        "type": "expire",
        "everySeconds": one.retention,
        "shardGroupDurationSeconds": one.shard,
    }
    return {
        "id": one.id,
        "orgID": one.org_id,
        "type": one.type,
        **({"description": one.description} if one.description else {}),
        "name": one.name,
        "retentionRules": [rule],
        "createdAt": one.created,
        "updatedAt": one.updated,
        "links": {
            **{kind: f"{base}/{kind}" for kind in ("labels", "members", "owners")},
            "org": f"/api/v2/orgs/{one.org_id}",
            "self": base,
            "write": f"/api/v2/write?org={one.org_id}&bucket={one.id}",
        },
        "labels": [],
    }


def _permission(one: Permission, state: State | None) -> dict[str, Any]:
    resource: dict[str, Any] = {"type": one.type}
    if one.id:
        resource["id"] = one.id
    if one.org_id:
        resource["orgID"] = one.org_id
    if state and one.type == "buckets" and one.id in state.buckets:
        resource["name"] = state.buckets[one.id].name
    if state and one.org_id in state.orgs:
        resource["org"] = state.orgs[one.org_id].name
    return {"action": one.action, "resource": resource}


def authorization(one: Authorization, state: State, token: str = "") -> dict[str, Any]:
    """Return the token's JSON; the token itself only in the answer that makes it."""
    return {
        "id": one.id,
        "token": token,
        "status": one.status,
        "description": one.description,
        "orgID": one.org_id,
        "org": state.orgs[one.org_id].name,
        "userID": one.user_id,
        "user": state.users[one.user_id].name,
        "permissions": [_permission(each, state) for each in one.permissions],
        "links": {
            "self": f"/api/v2/authorizations/{one.id}",
            "user": f"/api/v2/users/{one.user_id}",
        },
        "createdAt": one.created,
        "updatedAt": one.updated,
    }


def onboarded(
    of: User, where: Org, first: Bucket, operator: Authorization, token: str
) -> dict[str, Any]:
    """Return the answer to a set-up."""
    return {
        "user": user(of),
        "bucket": bucket(first),
        "org": org(where),
        "auth": {
            "id": operator.id,
            "token": token,
            "hashedToken": operator.token,
            "status": operator.status,
            "description": operator.description,
            "orgID": operator.org_id,
            "userID": operator.user_id,
            "permissions": [_permission(each, None) for each in operator.permissions],
            "createdAt": operator.created,
            "updatedAt": operator.updated,
            "links": {
                "self": f"/api/v2/authorizations/{operator.id}",
                "user": f"/api/v2/users/{operator.user_id}",
            },
        },
    }


def dbrp(one: Bucket) -> dict[str, Any]:
    """Return the virtual mapping that makes the bucket a database of InfluxQL."""
    return {
        "id": one.id,
        "database": one.name,
        "retention_policy": "autogen",
        "default": True,
        "virtual": True,
        "orgID": one.org_id,
        "bucketID": one.id,
    }
