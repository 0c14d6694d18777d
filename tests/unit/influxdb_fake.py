"""A server for the set-up module: it gives the recorded answers of a real InfluxDB 2.9.1."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

from tests.unit.influxdb_modules import api

TRANSCRIPT = Path(__file__).parents[1] / "contract/influxdb2_transcript.json"
RECORDED = {one["name"]: one for one in json.loads(TRANSCRIPT.read_text())["exchanges"]}


class Crash(Exception):
    """The play dies here."""


class FakeInflux:
    """Keeps the little that decides which recorded answer fits. ``crash_after`` names a request."""

    def __init__(self) -> None:
        self.operator = self.username = self.password = ""
        self.buckets: dict[str, Any] = {}
        self.tokens: list[dict[str, Any]] = []
        self.tasks: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.crash_after = ""
        self.down = False

    def recorded(self, exchange: str, /, **changes: Any) -> Any:
        """Return the recorded answer, with changes to its body."""
        answer = copy.deepcopy(RECORDED[exchange]["response"])
        body = answer["body"]
        if isinstance(body, dict):
            body.update(changes)
        return api.Answer(answer["status"], body, answer.get("headers", {}))

    def __call__(self, request: Any) -> Any:
        """Answer a request as the transport does."""
        if self.down:
            return api.Answer(0, "Connection refused")
        call = f"{request.method} {request.path}"
        self.calls.append(call)
        answer = self.answer(request)
        if self.crash_after and call.startswith(self.crash_after):
            self.crash_after = ""
            raise Crash(call)
        return answer

    def answer(self, request: Any) -> Any:
        """Return the recorded answer that fits."""
        secret = (request.authorization or "").removeprefix("Token ")
        match (request.method, *request.path.removeprefix("/api/v2/").split("/")):
            case ("GET", "setup"):
                return self.recorded("setup allowed after" if self.operator else "setup allowed")
            case ("POST", "setup"):
                return self.set_up(request.body)
            case ("POST", "signin"):
                pair = base64.b64decode(request.authorization.removeprefix("Basic ")).decode()
                known = pair == f"{self.username}:{self.password}"
                return self.recorded("signin" if known else "signin wrong")
            case ("POST", "signout"):
                return self.recorded("signout" if request.cookie else "signout again")
            case ("POST", "write"):
                return self.write(secret, request.params["bucket"])
            case ("GET", "", "query"):
                names = [[name] for name in sorted(self.readable(secret))]
                return api.Answer(200, {"results": [{"series": [{"values": names}]}]})
        if secret != self.operator:
            known = any(token["token"] == secret for token in self.tokens)
            return self.recorded("me by read token" if known else "me with wrong token")
        return self.resource(request)

    def set_up(self, body: dict[str, Any]) -> Any:
        """Onboard."""
        if self.operator:
            return self.recorded("setup again")
        if body["password"].isalpha():
            return self.recorded("setup weak password")
        self.operator, self.username = body["token"], body["username"]
        self.password = body["password"]
        self.buckets[body["bucket"]] = RECORDED["setup"]["response"]["body"]["bucket"]
        return self.recorded("setup")

    def resource(self, request: Any) -> Any:
        """Answer the operator."""
        match (request.method, *request.path.removeprefix("/api/v2/").split("/")):
            case ("GET", "me"):
                return self.recorded("me", name=self.username)
            case ("PATCH", "users", _):
                self.username = request.body["name"]
                return self.recorded("user rename", name=self.username)
            case ("POST", "users", _, "password"):
                if request.body["password"].isalpha():
                    return self.recorded("user weak password")
                self.password = request.body["password"]
                return self.recorded("user password")
            case ("GET", "orgs"):
                known = request.params["org"] == "hems"
                return self.recorded("orgs" if known else "orgs none")
            case ("GET", "buckets"):
                if bucket := self.buckets.get(request.params["name"]):
                    return self.recorded("buckets by name", buckets=[bucket])
                return self.recorded("buckets by name none")
            case ("POST", "buckets"):
                made = {
                    "name": request.body["name"],
                    "retentionRules": request.body["retentionRules"],
                }
                answer = self.recorded("bucket create probe", **made)
                self.buckets[made["name"]] = answer.body
                return answer
            case ("PATCH", "buckets", id_):
                bucket = next(one for one in self.buckets.values() if one["id"] == id_)
                bucket["retentionRules"] = request.body["retentionRules"]
                return self.recorded("bucket retention")
            case (_, "tasks", *_):
                return self.task(request)
        return self.authorization(request)

    def task(self, request: Any) -> Any:
        """Answer about tasks."""
        match (request.method, *request.path.removeprefix("/api/v2/").split("/")):
            case ("GET", "tasks"):
                return self.recorded("task list", tasks=copy.deepcopy(self.tasks))
            case ("POST", "tasks"):
                name = request.body["flux"].split('name: "')[1].split('"')[0]
                number = len(self.calls)
                made = {**request.body, "id": f"{number:016x}", "name": name}
                answer = self.recorded("task create", **made)
                self.tasks.append(answer.body)
                return answer
            case ("PATCH", "tasks", id_):
                task = next(one for one in self.tasks if one["id"] == id_)
                task.update(request.body)
                return self.recorded("task update", **task)
            case ("DELETE", "tasks", id_):
                self.tasks = [one for one in self.tasks if one["id"] != id_]
                return api.Answer(204)
        raise AssertionError(f"not in the transcript: {request.method} {request.path}")

    def authorization(self, request: Any) -> Any:
        """Answer about tokens."""
        match (request.method, *request.path.removeprefix("/api/v2/").split("/")):
            case ("GET", "authorizations"):
                hidden = [{**token, "token": ""} for token in self.tokens]
                return self.recorded("auth list", authorizations=hidden)
            case ("POST", "authorizations"):
                number = len([call for call in self.calls if call == "POST /api/v2/authorizations"])
                made = {**request.body, "id": f"{number:016x}", "token": f"token-{number}"}
                answer = self.recorded("auth hems", **made)
                self.tokens.append(answer.body)
                return answer
            case ("PATCH", "authorizations", id_):
                token = next(one for one in self.tokens if one["id"] == id_)
                token["status"] = request.body["status"]
                return self.recorded("auth inactive")
            case ("DELETE", "authorizations", id_):
                self.tokens = [one for one in self.tokens if one["id"] != id_]
                return self.recorded("auth delete")
        raise AssertionError(f"not in the transcript: {request.method} {request.path}")

    def may(self, secret: str, action: str) -> set[str]:
        """Return the names of the buckets on which a token may do this."""
        names = {bucket["id"]: name for name, bucket in self.buckets.items()}
        return {
            names[one["resource"]["id"]]
            for token in self.tokens
            if token["token"] == secret and token["status"] == "active"
            for one in token["permissions"]
            if one["action"] == action
        }

    def readable(self, secret: str) -> set[str]:
        """Return the databases that ``SHOW DATABASES`` lists."""
        return self.may(secret, "read")

    def write(self, secret: str, bucket: str) -> Any:
        """Answer an empty batch."""
        if not any(token["token"] == secret for token in self.tokens):
            return self.recorded("write bad token")
        allowed = bucket in self.may(secret, "write")
        return self.recorded("write empty" if allowed else "write empty with read token")
