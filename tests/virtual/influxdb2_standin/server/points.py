"""Writing and deleting points."""

from __future__ import annotations

import re
from typing import Any

from .access import need_write
from .accounts import Accounts
from .engine import Engine
from .http import NO_CONTENT, Answer, ApiError, Request
from .lines import PRECISIONS, doubtful, reserved_tag
from .model import Authorization, Bucket, Org, State

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_CLAUSE = re.compile(r'\s*(\w+|"[^"]+")\s*=\s*(?:"([^"]*)"|\'([^\']*)\')\s*(?:AND|and|$)')
# A policy that no bucket has: the engine parses the line, finds no place for it and stores nothing.
_NOWHERE = "standin-parses-this"


class Points:
    """`/api/v2/write`, `/write` and `/api/v2/delete`."""

    def __init__(self, engine: Engine, accounts: Accounts, state: State) -> None:
        self._engine = engine
        self._accounts = accounts
        self._state = state

    def write(self, who: Authorization, request: Request) -> Answer:
        """Answer `/api/v2/write`."""
        precision = request.params.get("precision") or "ns"
        if precision not in PRECISIONS:
            raise ApiError(
                "invalid", "invalid precision; valid precision units are ns, us, ms, and s"
            )
        bucket = self._bucket(request, self._org(request))
        need_write(who, bucket.id, bucket.org_id)
        return self._store(bucket, request.data(), precision)

    def write_1x(self, who: Authorization, request: Request) -> Answer:
        """Answer 1.x's `/write`. The real server, too, takes an unknown precision for ns."""
        precision = request.params.get("precision", "")
        name = request.params.get("db")
        if not name:
            raise ApiError("invalid", "missing db")
        bucket = self._state.bucket_named(name)
        if bucket is None or not any(
            who.allows(action, "buckets", bucket.id, bucket.org_id) for action in ("read", "write")
        ):
            raise ApiError("not found", "no dbrp mapping found")
        need_write(who, bucket.id, bucket.org_id)
        return self._store(bucket, request.data(), precision if precision in PRECISIONS else "ns")

    def delete(self, who: Authorization, request: Request) -> Answer:
        """Answer `/api/v2/delete`: a range of time, and tags compared for equality."""
        body = request.json()
        for key in ("start", "stop"):
            if not _TIME.fullmatch(str(body.get(key, ""))):
                raise ApiError(
                    "invalid",
                    f"error decoding json body: invalid RFC3339Nano for field {key}, please format "
                    "your time with RFC3339Nano format, example: 2009-01-02T23:00:00Z",
                )
        source, where = predicate(str(body.get("predicate") or ""))
        bucket = self._bucket(request, self._org(request))
        if not who.allows("write", "buckets", bucket.id, bucket.org_id):
            raise ApiError("forbidden", "insufficient permissions to delete")
        times = f"time >= '{body['start']}' AND time <= '{body['stop']}'"
        reply = self._engine.query(
            f"DELETE {source} WHERE {times}{where}",
            self._accounts.administrator,
            {"db": bucket.name},
        )
        if reply.error:
            raise ApiError("internal error", reply.error)
        return NO_CONTENT

    def _org(self, request: Request) -> Org:
        if id_ := request.params.get("orgID"):
            found = self._state.orgs.get(id_)
        elif name := request.params.get("org"):
            found = self._state.org_named(name) or self._state.orgs.get(name)
            if found is None:
                raise ApiError("not found", f'organization name "{name}" not found')
        else:
            raise ApiError("invalid", "Please provide either orgID or org")
        if found is None:
            raise ApiError("not found", "organization not found")
        return found

    def _bucket(self, request: Request, org: Org) -> Bucket:
        key = request.params.get("bucket") or request.params.get("bucketID") or ""
        found = self._state.buckets.get(key) or self._state.bucket_named(key, org.id)
        if found is None:
            raise ApiError("not found", f'bucket "{key}" not found' if key else "bucket not found")
        return found

    def _store(self, bucket: Bucket, data: bytes, precision: str) -> Answer:
        options: dict[str, Any] = {"db": bucket.name, "precision": PRECISIONS[precision]}
        bad = []
        for line in doubtful(data.decode(errors="surrogateescape"), precision):
            if key := reserved_tag(line, precision):
                bad.append(f"unable to parse '{line}': cannot use reserved tag key \"{key}\"")
                continue
            raw = line.encode(errors="surrogateescape")
            reply = self._engine.write(
                {**options, "rp": _NOWHERE}, raw, self._accounts.administrator
            )
            if "unable to parse" in reply.error:
                bad.append(reply.error.removeprefix("partial write: ").removesuffix(" dropped=0"))
        if bad:
            raise ApiError("invalid", "\n".join(bad))
        if not data.strip():
            return NO_CONTENT
        reply = self._engine.write(options, data, self._accounts.administrator)
        if reply.status in (200, 204):
            return NO_CONTENT
        if reply.error.startswith("partial write"):
            message = f"failure writing points to database: {reply.error}"
            raise ApiError("unprocessable entity", message)
        message = f"unexpected error writing points to database: {reply.error}"
        raise ApiError("internal error", message)


def predicate(text: str) -> tuple[str, str]:
    """Return a delete predicate as InfluxQL: source and further conditions. Raises ApiError."""
    source, where, at = "", "", 0
    while at < len(text.rstrip()):
        clause = _CLAUSE.match(text, at)
        if not clause:
            raise ApiError(
                "invalid", f"error decoding json body: bad logical expression, at position {at}"
            )
        key, value = clause[1].strip('"'), clause[2] if clause[2] is not None else clause[3]
        if key == "_measurement":
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            source = f'FROM "{escaped}"'
        else:
            escaped = value.replace("\\", "\\\\").replace("'", "\\'")
            where += f" AND \"{key}\" = '{escaped}'"
        at = clause.end()
    return source or "FROM /.*/", where
