"""Asks the Pi's InfluxDB from the Pi itself; secrets stay in their files, out of command lines."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

# The secrets' names, and the buckets with their retention in seconds (of the readings, see
# test_rollups).
OPERATOR = "influxdb_operator_token"
HOME_ASSISTANT = "influxdb_token_home_assistant"
HEMS = "influxdb_token_hems"
HISTORY = "influxdb_token_history"
PASSWORD = "influxdb_password"
BUCKETS = {
    "home_assistant": None,
    "home_assistant_1h": 158112000,
    "home_assistant_1d": 0,
    "hems_probe": 86400,
}


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    text: str

    @property
    def body(self) -> Any:
        """Return the answer's JSON."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Influxdb:
    """The server on a Pi's loopback."""

    pi: Any
    url: str
    secrets: str

    def ask(
        self,
        method: str,
        path: str,
        token: str = "",
        params: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        keep: bool = True,
    ) -> Reply:
        """Ask with the token in the secret of this name; a body that is not text goes as JSON.

        What is not kept need not be text.
        """
        header = f"sed 's/^/Authorization: Token /' {self.secrets}/{token}" if token else "true"
        return self._curl(header, method, path, params, body, keep=keep)

    def sign_in(self, user: str, secret: str) -> Reply:
        """Sign in with the password in the secret of this name."""
        pair = f'printf "%s:%s" {shlex.quote(user)} "$(cat {self.secrets}/{secret})" | base64 -w0'
        return self._curl(f'echo "Authorization: Basic $({pair})"', "POST", "/api/v2/signin")

    def query(self, token: str, database: str, text: str) -> dict[str, Any]:
        """Run one InfluxQL statement and return its result."""
        params = {"db": database, "q": text, "epoch": "ns"}
        result: dict[str, Any] = self.ask("GET", "/query", token, params).body["results"][0]
        return result

    def _curl(
        self,
        header: str,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        keep: bool = True,
    ) -> Reply:
        url = f"{self.url}{path}" + (f"?{urlencode(params)}" if params else "")
        words = ["curl", "--silent", "--show-error", "--header", "@-", "--request", method, url]
        if body is not None:
            text = body if isinstance(body, str) else json.dumps(body)
            words += ["--data-binary", text]
            kind = "text/plain" if isinstance(body, str) else "application/json"
            words += ["--header", f"Content-Type: {kind}"]
        words += [] if keep else ["--output", "/dev/null"]
        words += ["--write-out", "\n%{http_code}"]
        output = self.pi.check_output(f"{header} | {shlex.join(words)}")
        answer, _, status = output.rpartition("\n")
        return Reply(int(status), answer)


def connect(pi: Any, site: Mapping[str, Any]) -> Influxdb:
    """Return the server of a Pi."""
    url = f"http://127.0.0.1:{site['hems_port_influxdb']}"
    return Influxdb(pi, url, site["hems_path_secrets"])


def tokens(influxdb: Influxdb, organization: str) -> list[tuple[str, str]]:
    """Return description and id of every token."""
    params = {"orgID": organization}
    listing = influxdb.ask("GET", "/api/v2/authorizations", OPERATOR, params).body
    return [(one["description"], one["id"]) for one in listing["authorizations"]]
