"""Organizations, buckets and the mappings that make a bucket a database of InfluxQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from . import shapes
from .access import need
from .accounts import Accounts
from .http import NO_CONTENT, Answer, ApiError, Request, not_here, ok
from .model import HOUR, Authorization, Bucket, Org, changed, new_id, timestamp
from .store import Store


def check_id(id_: str) -> str:
    """Return the id. Raises ApiError when it is none."""
    if len(id_) != 16:
        raise ApiError("invalid", "id must have a length of 16 bytes")
    return id_


def retention_seconds(rules: Sequence[Mapping[str, Any]]) -> int:
    """Return what the rules keep, in seconds, 0 for ever. Raises ApiError below an hour."""
    seconds = int(rules[0].get("everySeconds", 0)) if rules else 0
    if 0 < seconds < HOUR:
        raise ApiError("internal error", "retention policy duration must be at least 1h0m0s")
    return seconds


class Resources:
    """`/api/v2/orgs`, `buckets` and `dbrps`."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._state = store.state
        self._accounts = accounts

    def orgs(self, who: Authorization, request: Request) -> Answer:
        """List the organizations that the token may see."""
        name = request.params.get("org")
        found = [one for one in self._state.orgs.values() if name in (None, one.name)]
        if name and not found:
            raise ApiError("not found", f'organization name "{name}" not found')
        seen = [shapes.org(one) for one in found if who.allows("read", "orgs", one.id)]
        return ok({"links": {"self": "/api/v2/orgs"}, "orgs": seen})

    def org(self, who: Authorization, id_: str) -> Answer:
        """Answer one organization."""
        if check_id(id_) not in self._state.orgs:
            raise ApiError("not found", "organization not found")
        need(who, "read", "orgs", id_)
        return ok(shapes.org(self._state.orgs[id_]))

    def create_org(self, who: Authorization, request: Request) -> Answer:
        """Make an organization."""
        need(who, "write", "orgs")
        name = str(request.json().get("name") or "")
        if self._state.org_named(name):
            raise ApiError("conflict", f"organization with name {name} already exists")
        now = timestamp()
        org = Org(new_id(), name, now, now)
        self._state.orgs[org.id] = org
        self._store.save()
        return ok(shapes.org(org), 201)

    def buckets(self, who: Authorization, request: Request) -> Answer:
        """List the buckets that the token may read."""
        params = request.params
        org = params.get("orgID") or None
        if params.get("org"):
            named = self._state.org_named(params["org"])
            if named is None:
                raise ApiError("not found", f'organization name "{params["org"]}" not found')
            org = named.id
        name = params.get("name")
        buckets = sorted(self._state.buckets.values(), key=lambda one: one.id)
        found = [one for one in buckets if org in (None, one.org_id) and name in (None, one.name)]
        if name and not found:
            raise ApiError("not found", f'bucket "{name}" not found')
        start, size = int(params.get("offset", 0)), int(params.get("limit", 20))
        seen = [one for one in found if who.allows("read", "buckets", one.id, one.org_id)]
        query = {
            "bucket": name,
            "descending": "false",
            "limit": size,
            "offset": start,
            "orgID": org,
        }
        link = urlencode({key: value for key, value in query.items() if value is not None})
        page = [shapes.bucket(one) for one in seen[start : start + size]]
        return ok({"links": {"self": f"/api/v2/buckets?{link}"}, "buckets": page})

    def _bucket(self, who: Authorization, action: str, id_: str) -> Bucket:
        bucket = self._state.buckets.get(check_id(id_))
        if bucket is None:
            raise ApiError("not found", "bucket not found")
        need(who, action, "buckets", id_, bucket.org_id)
        return bucket

    def bucket(self, who: Authorization, id_: str) -> Answer:
        """Answer one bucket."""
        return ok(shapes.bucket(self._bucket(who, "read", id_)))

    def create_bucket(self, who: Authorization, request: Request) -> Answer:
        """Make a bucket."""
        body = request.json()
        org_id, name = str(body.get("orgID") or ""), str(body.get("name") or "")
        need(who, "write", "buckets", None, org_id)
        if org_id not in self._state.orgs:
            raise ApiError("not found", "organization not found")
        if not name:
            raise not_here("A bucket without a name")
        if name.startswith("_"):
            words = f"bucket name {name} is invalid. Buckets may not start with underscore"
            raise ApiError("invalid", words)
        if self._state.bucket_named(name, org_id):
            raise ApiError("conflict", f"bucket with name {name} already exists")
        if self._state.bucket_named(name):
            raise not_here("A bucket of one name in two organizations")
        seconds = retention_seconds(body.get("retentionRules") or [])
        now = timestamp()
        text = str(body.get("description") or "")
        bucket = Bucket(new_id(), org_id, name, seconds, now, now, description=text)
        self._accounts.add_bucket(bucket)
        self._state.buckets[bucket.id] = bucket
        self._store.save()
        return ok(shapes.bucket(bucket), 201)

    def change_bucket(self, who: Authorization, id_: str, request: Request) -> Answer:
        """Change a bucket's retention or description."""
        bucket, body = self._bucket(who, "write", id_), request.json()
        if body.get("name", bucket.name) != bucket.name:
            raise not_here("Renaming a bucket")
        if "retentionRules" in body:
            bucket = changed(bucket, retention=retention_seconds(body["retentionRules"] or []))
            self._accounts.set_retention(bucket)
        bucket = changed(bucket, description=str(body.get("description", bucket.description)))
        self._state.buckets[id_] = bucket
        self._store.save()
        return ok(shapes.bucket(bucket))

    def delete_bucket(self, who: Authorization, id_: str) -> Answer:
        """Delete a bucket and its points."""
        bucket = self._bucket(who, "write", id_)
        if bucket.type == "system":
            raise ApiError("invalid", "system buckets cannot be deleted")
        del self._state.buckets[id_]
        self._store.save()
        self._accounts.drop_bucket(bucket)
        return NO_CONTENT

    def dbrps(self, who: Authorization, request: Request) -> Answer:
        """List the virtual mappings, one a bucket that the token may read."""
        org = request.params.get("orgID")
        seen = [one for one in self._state.readable(who) if org in (None, one.org_id)]
        return ok({"content": [shapes.dbrp(one) for one in seen]})
