"""A request, an answer and the errors of InfluxDB 2's API, without a socket."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json; charset=utf-8"

# kit/platform/errors: a code and the status that it goes out with.
STATUS = {
    "invalid": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not found": 404,
    "method not allowed": 405,
    "conflict": 422,
    "unprocessable entity": 422,
    "internal error": 500,
    "not implemented": 501,
}


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """An error answer: one of STATUS's codes and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def answer(self) -> Answer:
        """Return the answer that the real server gives."""
        body = {"code": self.code, "message": self.message}
        return Answer(STATUS[self.code], encode(body), JSON, {"X-Platform-Error-Code": self.code})


def unauthorized(message: str = "unauthorized access") -> ApiError:
    """Return the error for a missing or unknown token, or for something beyond its rights."""
    return ApiError("unauthorized", message)


def not_here(what: str) -> ApiError:
    """Return the error for what only a real InfluxDB 2 has."""
    return ApiError(
        "not implemented",
        f"{what} needs a real InfluxDB 2: this is the test bed's stand-in, see docs/influxdb.md",
    )


def encode(body: Any) -> bytes:
    """Return the body as JSON with a newline, as Go's encoder writes it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def ok(body: Any, status: int = 200, content_type: str = JSON) -> Answer:
    """Return a JSON answer."""
    return Answer(status, encode(body), content_type)


NO_CONTENT = Answer(204)


@dataclass(frozen=True)
class Request:
    """What came in: the path without the query, single-valued parameters, headers in lower case."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes

    def data(self) -> bytes:
        """Return the body, decompressed when it says that it is."""
        if self.headers.get("content-encoding") != "gzip":
            return self.raw
        try:
            return gzip.decompress(self.raw)
        except (OSError, EOFError, zlib.error) as problem:
            message = "An internal error has occurred - check server logs"
            raise ApiError("internal error", message) from problem

    def json(self) -> dict[str, Any]:
        """Return the body as an object. Raises ApiError when it is none."""
        try:
            body = json.loads(self.data())
        except ValueError as problem:
            words = "unexpected EOF" if self.raw else "EOF"
            raise ApiError("invalid", f"invalid json structure: {words}") from problem
        if not isinstance(body, dict):
            raise ApiError("invalid", "invalid json structure: not an object")
        return body
