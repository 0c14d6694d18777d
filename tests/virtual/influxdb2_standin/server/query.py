"""`/query`: InfluxQL, run by the engine one statement at a time with the rights of who asks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from .accounts import Accounts
from .engine import Engine, Reply
from .http import Answer, ApiError, Request, encode
from .influxql import Statement, split
from .model import Authorization, State

# What InfluxDB 2 says of a database that the token may not read.
_NO_POLICY = ("SHOW TAG KEYS", "SHOW TAG VALUES")
_RETENTION_COLUMNS = ["name", "duration", "shardGroupDuration", "replicaN", "default"]


def parameters(request: Request) -> dict[str, str]:
    """Return the request's parameters, those of a form included."""
    found = dict(request.params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if request.method == "POST" and kind == "application/x-www-form-urlencoded":
        found |= dict(parse_qsl(request.data().decode(errors="replace"), keep_blank_values=True))
    elif request.method == "POST" and kind == "application/vnd.influxql":
        found["q"] = request.data().decode(errors="replace")
    return found


class Query:
    """Runs queries."""

    def __init__(self, engine: Engine, accounts: Accounts, state: State) -> None:
        self._engine = engine
        self._accounts = accounts
        self._state = state

    def run(self, who: Authorization, request: Request) -> Answer:
        """Answer `/query`."""
        params = parameters(request)
        statements = split(params.get("q", ""))
        if not statements:
            raise ApiError("invalid", "mime: no media type")
        if "csv" in request.headers.get("accept", ""):
            raise ApiError(
                "not implemented", "the test bed's stand-in answers InfluxQL as JSON only"
            )
        passed = ("db", "rp", "epoch", "params")
        options: dict[str, str] = {key: params[key] for key in passed if key in params}
        results = []
        for number, statement in enumerate(statements):
            result = self._one(who, statement, options)
            if result is not None:
                results.append({"statement_id": number, **result})
        return Answer(200, encode({"results": results} if results else {}), "application/json")

    def _one(
        self, who: Authorization, statement: Statement, options: dict[str, str]
    ) -> dict[str, Any] | None:
        """Return the result of one statement, None when InfluxDB 2 gives none."""
        # Statements that are refused are parsed all the same: a syntax error comes first.
        if name := statement.refused:
            return {"error": f"not implemented: {name}"}
        if statement.deletes:
            return self._delete(who, statement, options)
        if statement.begins("SHOW DATABASES"):
            names = [[bucket.name] for bucket in self._state.readable(who)]
            series = {
                "name": "databases",
                "columns": ["name"],
                **({"values": names} if names else {}),
            }
            return {"series": [series]}
        reply = self._engine.query(statement.text, self._accounts.account(who), options)
        if reply.status in (401, 403):
            return self._unseen(statement, reply, options)
        self._raise_for_syntax(reply)
        result = reply.body["results"][0]
        if statement.begins("SHOW RETENTION POLICIES"):
            # InfluxDB 2 does not tell a bucket's retention here.
            for row in result["series"][0]["values"]:
                row[1:3] = ["0s", "168h0m0s"]
        return {key: value for key, value in result.items() if key != "statement_id"}

    def _unseen(
        self, statement: Statement, reply: Reply, options: dict[str, str]
    ) -> dict[str, Any]:
        """Return what InfluxDB 2 says in place of "forbidden"."""
        database = reply.error.rpartition(" on ")[2].strip() or options.get("db", "")
        if not database:
            return {"error": "database name required"}
        if statement.begins("SHOW MEASUREMENTS"):
            return {}
        if statement.begins("SHOW RETENTION POLICIES"):
            return {"series": [{"columns": _RETENTION_COLUMNS}]}
        if any(statement.begins(phrase) for phrase in _NO_POLICY):
            return {"error": f"default retention policy not set for: {database}"}
        return {"error": f"database not found: {database}"}

    def _delete(
        self, who: Authorization, statement: Statement, options: dict[str, str]
    ) -> dict[str, Any] | None:
        bucket = self._state.bucket_named(options.get("db", ""))
        if bucket is None:
            return {"error": f"database not found: {options.get('db', '')}"}
        if not who.allows("write", "buckets", bucket.id, bucket.org_id):
            return {"error": "insufficient permissions"}
        if statement.names_a_database:
            return {"error": "the test bed's stand-in deletes in the query's own database only"}
        reply = self._engine.query(statement.text, self._accounts.administrator, options)
        self._raise_for_syntax(reply)
        return {"error": reply.error} if reply.error else None

    def _raise_for_syntax(self, reply: Reply) -> None:
        if reply.status == 200 and reply.body.get("results"):
            return
        prefix = "error parsing query: "
        if reply.error.startswith(prefix):
            raise ApiError("invalid", f"failed to parse query: {reply.error.removeprefix(prefix)}")
        raise ApiError(
            "internal error", reply.error or json.dumps(reply.raw.decode(errors="replace"))
        )
