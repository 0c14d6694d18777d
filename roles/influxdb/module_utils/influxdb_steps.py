# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Bring an InfluxDB 2 server to the wanted set-up, request by request, and never wipe anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils import influxdb_plan as plan
from ansible.module_utils import influxdb_tasks
from ansible.module_utils.influxdb_api import (
    Answer,
    InfluxdbProblem,
    Request,
    Transport,
    basic,
    need_secret,
    read_secret,
    token,
    write_secret,
)


@dataclass(frozen=True)
class Wanted:
    """The set-up that must be there. Secrets are given as files."""

    organization: str
    username: str
    password_file: Path
    operator_token_file: Path
    metadata: Path
    buckets: Sequence[plan.Bucket]
    token_directory: Path
    tokens: Sequence[plan.Token]
    owned: str = ""  # what the names of all tokens and tasks of ours begin with; empty: drop none
    tasks: Sequence[influxdb_tasks.Task] = ()


@dataclass
class Setup:
    """One run of the set-up; ``did`` collects what was done, or would be in check mode."""

    send: Transport
    wanted: Wanted
    check_mode: bool = False
    did: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Do what is missing. Raises InfluxdbProblem with a sentence when it can't be done."""
        if self.send(Request("GET", "/api/v2/setup")).body["allowed"]:
            self.onboard()
            if self.check_mode:
                return
        self.need_operator()
        self.keep_log_in()
        org = self.ensure_organization()
        buckets = {bucket.name: self.ensure_bucket(bucket, org) for bucket in self.wanted.buckets}
        for wanted in self.wanted.tokens:
            self.ensure_token(wanted, org, buckets)
        if self.wanted.owned:
            self.drop_tokens(org)
        if org:
            influxdb_tasks.keep(self.ask, org, self.wanted.tasks, self.wanted.owned, self.do)

    def do(self, words: str, step: Callable[[], Any]) -> None:
        """Do one thing and note it; in check mode only note it."""
        self.did.append(words)
        if not self.check_mode:
            step()

    def ask(
        self,
        method: str,
        path: str,
        *good: int,
        params: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Answer:
        """Ask as the operator; any status but ``good`` ends in the server's words."""
        operator = token(need_secret(self.wanted.operator_token_file))
        answer = self.send(Request(method, path, params or {}, body, operator))
        return self.expect(f"{method} {path}", answer, *good)

    def expect(self, asked: str, answer: Answer, *good: int) -> Answer:
        """Return the answer when its status is one of ``good``; else raise InfluxdbProblem."""
        if answer.status in good:
            return answer
        status = answer.status or "nothing"
        raise InfluxdbProblem(
            f"InfluxDB answered {asked} with {status} ({answer.message}): "
            "'journalctl -u influxdb' on the Pi says why; cure that and run the play again."
        )

    def onboard(self) -> None:
        """Set an empty server up: user, organization, first bucket and the operator's token."""
        self.did.append("set up")
        if self.check_mode:
            return
        first = self.wanted.buckets[0]
        body = {
            "username": self.wanted.username,
            "password": need_secret(self.wanted.password_file),
            "org": self.wanted.organization,
            "bucket": first.name,
            "retentionPeriodSeconds": first.retention or 0,
            "token": need_secret(self.wanted.operator_token_file),
        }
        answer = self.send(Request("POST", "/api/v2/setup", body=body))
        if answer.status == 400:
            raise self.refused_password(answer)
        if answer.status != 201:
            raise InfluxdbProblem(
                f"InfluxDB refused to be set up ({answer.status}: {answer.message}): "
                "cure what it names and run the play again; nothing was deleted."
            )

    def need_operator(self) -> None:
        """Raise InfluxdbProblem unless the operator's token is the server's."""
        operator = need_secret(self.wanted.operator_token_file)
        answer = self.send(Request("GET", "/api/v2/me", authorization=token(operator)))
        if self.expect("GET /api/v2/me", answer, 200, 401, 403).status == 200:
            return
        recovery = (
            "sudo -u influxdb influxd recovery auth create-operator "
            f"--org {self.wanted.organization} --username {self.wanted.username} "
            f"--bolt-path {self.wanted.metadata}"
        )
        raise InfluxdbProblem(
            "InfluxDB on this Pi was set up before, and it does not accept the operator token in "
            f"{self.wanted.operator_token_file}: put the right one there (or into the Vault), or "
            f"stop influxdb and make one with '{recovery}'; nothing was changed."
        )

    def keep_log_in(self) -> None:
        """Let the user sign in with the name and password that the files give."""
        password = need_secret(self.wanted.password_file)
        log_in = basic(self.wanted.username, password)
        session = self.send(Request("POST", "/api/v2/signin", authorization=log_in))
        if self.expect("POST /api/v2/signin", session, 204, 401).status == 204:
            cookie = session.headers.get("Set-Cookie", "").split(";")[0]
            self.send(Request("POST", "/api/v2/signout", cookie=cookie))
            return
        me = self.ask("GET", "/api/v2/me", 200).body
        self.did.append("set the log-in's name and password")
        if self.check_mode:
            return
        if me["name"] != self.wanted.username:
            self.ask("PATCH", f"/api/v2/users/{me['id']}", 200, body={"name": self.wanted.username})
        changed = self.ask(
            "POST", f"/api/v2/users/{me['id']}/password", 204, 400, body={"password": password}
        )
        if changed.status == 400:
            raise self.refused_password(changed)

    def refused_password(self, answer: Answer) -> InfluxdbProblem:
        """Return the sentence for a password that the server finds too weak."""
        return InfluxdbProblem(
            f"InfluxDB refuses the password in {self.wanted.password_file} ({answer.message}): "
            "set hems_secret_influxdb_password to one that fits and run the play again."
        )

    def ensure_organization(self) -> str:
        """Return the organization's id; make it when it is missing."""
        name = self.wanted.organization
        answer = self.ask("GET", "/api/v2/orgs", 200, 404, params={"org": name})
        if answer.status == 200 and answer.body["orgs"]:
            return str(answer.body["orgs"][0]["id"])
        self.did.append(f"made organization {name}")
        return (
            ""
            if self.check_mode
            else str(self.ask("POST", "/api/v2/orgs", 201, body={"name": name}).body["id"])
        )

    def ensure_bucket(self, bucket: plan.Bucket, org: str) -> str:
        """Return the bucket's id; make it when it is missing, correct its retention."""
        params = {"name": bucket.name, "orgID": org}
        answer = self.ask("GET", "/api/v2/buckets", 200, 404, params=params) if org else Answer(404)
        rules = plan.retention_rules(bucket)
        if answer.status == 404 or not answer.body["buckets"]:
            self.did.append(f"made bucket {bucket.name}")
            if self.check_mode:
                return ""
            body = {"orgID": org, "name": bucket.name, "retentionRules": rules}
            return str(self.ask("POST", "/api/v2/buckets", 201, body=body).body["id"])
        found = answer.body["buckets"][0]
        if bucket.retention is not None and plan.retention(found) != bucket.retention:
            self.did.append(f"set retention of bucket {bucket.name}")
            if not self.check_mode:
                self.ask(
                    "PATCH", f"/api/v2/buckets/{found['id']}", 200, body={"retentionRules": rules}
                )
        return str(found["id"])

    def ensure_token(self, wanted: plan.Token, org: str, bucket_ids: Mapping[str, str]) -> None:
        """Replace the token unless exactly the wanted one exists and its file holds it."""
        path = self.wanted.token_directory / wanted.file
        listing = (
            self.ask("GET", "/api/v2/authorizations", 200, params={"orgID": org}).body
            if org
            else {}
        )
        listed = plan.named(listing.get("authorizations", []), wanted.description)
        grants = wanted.grants(bucket_ids)
        if plan.is_current(listed, grants, self.proves(read_secret(path), wanted)):
            return
        self.did.append(f"made token {wanted.description}")
        if self.check_mode:
            return
        body = {
            "orgID": org,
            "description": wanted.description,
            "permissions": plan.permissions(grants, org),
        }
        made = self.ask("POST", "/api/v2/authorizations", 201, body=body).body
        # Shown once: kept before anything else, and before the old one ends.
        write_secret(path, made["token"])
        for old in listed:
            self.delete_token(old)

    def drop_tokens(self, org: str) -> None:
        """End the tokens of ours that nobody asks for any more, and remove their files."""
        listing = (
            self.ask("GET", "/api/v2/authorizations", 200, params={"orgID": org}).body
            if org
            else {}
        )
        wanted = {one.description for one in self.wanted.tokens}
        for old in plan.left_over(listing.get("authorizations", []), self.wanted.owned, wanted):
            self.did.append(f"deleted token {old['description']}")
            if not self.check_mode:
                self.delete_token(old)
        kept = {one.file for one in self.wanted.tokens}
        for path in sorted(self.wanted.token_directory.glob(f"{plan.TOKEN_FILE}*")):
            if path.name not in kept:
                self.did.append(f"removed {path.name}")
                if not self.check_mode:
                    path.unlink()

    def delete_token(self, listed: Mapping[str, Any]) -> None:
        """Make a token useless, and delete it."""
        link = f"/api/v2/authorizations/{listed['id']}"
        self.ask("PATCH", link, 200, body={"status": "inactive"})
        self.ask("DELETE", link, 204)

    def proves(self, secret: str | None, wanted: plan.Token) -> bool:
        """Tell whether the file's token does what it must and nothing else, on our buckets."""
        if not secret:
            return False
        authorization = token(secret)
        names = {bucket.name for bucket in self.wanted.buckets}
        for name in sorted(names):
            params = {"org": self.wanted.organization, "bucket": name}
            # An empty batch asks for the permission and stores nothing.
            status = self.send(Request("POST", "/api/v2/write", params, "", authorization)).status
            if status != (204 if name in wanted.write else 403):
                return False
        answer = self.send(
            Request("GET", "/query", {"q": "SHOW DATABASES"}, authorization=authorization)
        )
        return bool(plan.databases(answer.body) == wanted.read)
