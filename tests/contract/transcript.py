"""What a real InfluxDB 2 answered, and how to tell whether another server answers alike.

`influxdb2_transcript.json` holds recorded requests and answers in the order in which they were
made. Ids, tokens and times differ from one server to the next: the first time a recorded one is met
it is bound to the live one, and from then on both must stay in step, in requests and in answers.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

PATH = Path(__file__).parent / "influxdb2_transcript.json"

# A kind of exchange that only a real InfluxDB 2 can answer, as the report names it.
REAL_ONLY = {
    "flux": "Flux",
    "tasks": "tasks",
    "backup": "backup",
    "replication": "replication",
}

ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
PLACEHOLDER = re.compile(r"<[a-z0-9-]+>")
MORE = "…"


@dataclass(frozen=True)
class Answer:
    """Status, headers and the body as text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """Return the body, parsed when it says that it is JSON."""
        return (
            json.loads(self.text)
            if "json" in (self.headers.get("Content-Type") or "")
            else self.text
        )


@dataclass(frozen=True)
class Wire:
    """A request as it goes out."""

    method: str
    target: str
    headers: Mapping[str, str]
    data: bytes | None


@dataclass
class Bindings:
    """Recorded ids and placeholders, and what they are on the live server."""

    live: dict[str, str] = field(default_factory=dict)

    def fill(self, value: Any) -> Any:
        """Return the recorded value with everything bound replaced."""
        if isinstance(value, str):
            filled = PLACEHOLDER.sub(lambda match: self.live.get(match[0], match[0]), value)
            return ID.sub(lambda match: self.live.get(match[0], match[0]), filled)
        if isinstance(value, list):
            return [self.fill(one) for one in value]
        if isinstance(value, dict):
            return {key: self.fill(one) for key, one in value.items()}
        return value

    def wire(self, request: Mapping[str, Any]) -> Wire:
        """Return the recorded request as it must be sent to the live server."""
        params = self.fill(request.get("params", {}))
        target = self.fill(request["path"]) + (f"?{urlencode(params)}" if params else "")
        headers = dict(self.fill(request.get("headers", {})))
        body = self.fill(request.get("body"))
        data: bytes | None = None
        if isinstance(body, dict) and set(body) == {"gzip"}:
            headers["Content-Encoding"], data = "gzip", gzip.compress(body["gzip"].encode())
        elif isinstance(body, str):
            data = body.encode()
        elif body is not None:
            headers.setdefault("Content-Type", "application/json")
            data = json.dumps(body).encode()
        headers.update(self._authorization(request.get("auth")))
        return Wire(request["method"], target, headers, data)

    def _authorization(self, auth: str | None) -> dict[str, str]:
        if auth is None:
            return {}
        kind, _, rest = auth.partition(" ")
        secret = self.fill(rest)
        if kind == "session":
            return {"Cookie": f"influxdb-oss-session={secret}"}
        if kind == "basic":
            secret = base64.b64encode(secret.encode()).decode()
        return {"Authorization": f"{kind.title()} {secret}"}

    def differences(
        self, recorded: Mapping[str, Any], live: Answer, loose: frozenset[str] = frozenset()
    ) -> list[str]:
        """Return in what the live answer differs from the recorded one; binds what is new."""
        found = []
        if live.status != recorded["status"]:
            found.append(f"status: {live.status}, not {recorded['status']}")
        if "content_type" not in loose:
            kind = live.headers.get("Content-Type")
            if kind != recorded["content_type"]:
                found.append(f"content type: {kind}, not {recorded['content_type']}")
        code = recorded.get("headers", {}).get("X-Platform-Error-Code")
        if live.headers.get("X-Platform-Error-Code") != code:
            found.append(f"error code: {live.headers.get('X-Platform-Error-Code')}, not {code}")
        for name in ("Set-Cookie",):
            if name in recorded.get("headers", {}):
                found += self._compare(
                    recorded["headers"][name], live.headers.get(name, ""), name, loose
                )
        if found:
            found.append(f"it said: {live.text[:300]}")
            return found
        return list(self._compare(recorded["body"], live.body, "body", loose))

    def _compare(self, old: Any, new: Any, at: str, loose: frozenset[str]) -> Iterator[str]:
        if at in loose:
            return
        if isinstance(old, dict) and isinstance(new, dict):
            if old.keys() != new.keys():
                yield f"{at}: keys {sorted(new)}, not {sorted(old)}"
            for key in old.keys() & new.keys():
                yield from self._compare(old[key], new[key], f"{at}.{key}", loose)
        elif isinstance(old, list) and isinstance(new, list):
            head = old[: old.index(MORE)] if MORE in old else old
            if len(new) < len(head) or (MORE not in old and len(new) > len(head)):
                yield f"{at}: {len(new)} elements, not {len(old)}"
            for index, (one, other) in enumerate(zip(head, new, strict=False)):
                yield from self._compare(one, other, f"{at}[{index}]", loose)
        elif isinstance(old, str) and isinstance(new, str):
            if not self._alike(old, new):
                yield f"{at}: {new!r}, not {self.fill(old)!r}"
        elif old != new or isinstance(old, bool) != isinstance(new, bool):
            yield f"{at}: {new!r}, not {old!r}"

    def _alike(self, old: str, new: str) -> bool:
        """Tell whether a live text is the recorded one; binds ids and placeholders on the way."""
        names: list[str] = []
        pattern, end = "", 0
        variable = (PLACEHOLDER, ID, TIME, DATE)
        for match in re.finditer("|".join(one.pattern for one in variable), old):
            pattern += re.escape(old[end : match.start()])
            end = match.end()
            recorded = match[0]
            if TIME.fullmatch(recorded) or DATE.fullmatch(recorded):
                pattern += (TIME if TIME.fullmatch(recorded) else DATE).pattern
            elif recorded in self.live:
                pattern += re.escape(self.live[recorded])
            else:
                pattern += "([0-9a-f]{16})" if ID.fullmatch(recorded) else "(.+?)"
                names.append(recorded)
        matched = re.fullmatch(pattern + re.escape(old[end:]), new, re.DOTALL)
        if not matched:
            return False
        self.live.update(zip(names, matched.groups(), strict=True))
        return True


def exchanges() -> list[dict[str, Any]]:
    """Return the recorded exchanges in their order."""
    return list(json.loads(PATH.read_text(encoding="utf-8"))["exchanges"])
