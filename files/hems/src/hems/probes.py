"""Ask each service in its own protocol whether it answers, and the door for its certificate.

No probe sends credentials: ten wrong ones from loopback would get loopback banned by Home Assistant
for good. Every probe ends within its time-out and reads no more than it needs.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hems import mdns

LOOPBACK = "127.0.0.1"
TIMEOUT_SECONDS = 5.0
ANSWER_BYTES = 65536

# MQTT 3.1.1, section 3.1: CONNECT without an account; clean session, keep-alive 10 s, client id.
MQTT_CONNECT = b"\x10\x17\x00\x04MQTT\x04\x02\x00\x0a\x00\x0bhems-status"
MQTT_REFUSALS = (4, 5)  # section 3.2.2.3: bad user name or password, not authorised


@dataclass(frozen=True)
class Answer:
    """Whether a service answered as it should, and in a few words how."""

    ok: bool
    detail: str


@dataclass(frozen=True)
class Certificate:
    """The certificate that a port serves, as far as the site's CA vouches for it."""

    ok: bool
    detail: str
    not_after: float | None = None  # Unix seconds


def http_exchange(port: int, path: str, timeout: float = TIMEOUT_SECONDS) -> tuple[int, bytes]:
    """GET a path from loopback and return the status and at most ``ANSWER_BYTES`` of the answer.

    Raises OSError when nobody answers in time, ValueError when the answer isn't HTTP.
    """
    request = f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((LOOPBACK, port), timeout) as client:
        client.sendall(request.encode())
        answer = _read(client, time.monotonic() + timeout)
    return parse_http(answer)


def parse_http(answer: bytes) -> tuple[int, bytes]:
    """Return status and body of an HTTP/1 answer (RFC 9112), chunks as they came.

    Raises ValueError when it is something else.
    """
    head, _, body = answer.partition(b"\r\n\r\n")
    version, _, rest = head.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        raise ValueError("the answer isn't HTTP")
    return int(rest[:3]), body


def http(port: int, path: str, status: Collection[int] = (), body: str = "") -> Answer:
    """GET a path from loopback: an answer has one of ``status`` (none: below 500) and ``body``."""
    try:
        found, text = http_exchange(port, path)
    except (OSError, ValueError) as error:
        return Answer(False, _reason(error))
    return _judge(found, text, status, body, f"answers {found}")


def influxdb(port: int) -> Answer:
    """Ask InfluxDB for its health, which it gives without a token."""
    try:
        status, body = http_exchange(port, "/health")
        health = json.loads(body)
        passed = status == 200 and health["status"] == "pass"
        words = " ".join(str(health.get(key, "")) for key in ("version", "message")).strip()
        return Answer(passed, words or f"answers {status}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Answer(False, _reason(error))


def https(
    port: int,
    name: str,
    path: str,
    status: Collection[int] = (),
    body: str = "",
    *,
    timeout: float = TIMEOUT_SECONDS,
) -> Answer:
    """GET a path as a browser does, by TLS and by the box's name; see ``http``.

    Whether the certificate can be trusted is not asked here.
    """
    request = f"GET {path} HTTP/1.0\r\nHost: {name}\r\nConnection: close\r\n\r\n"
    deadline = time.monotonic() + timeout
    try:
        with (
            socket.create_connection((LOOPBACK, port), timeout) as plain,
            _unverified().wrap_socket(plain, server_hostname=name) as client,
        ):
            client.sendall(request.encode())
            found, text = parse_http(_read(client, deadline))
    except (OSError, ValueError) as error:
        return Answer(False, _reason(error))
    return _judge(found, text, status, body, f"answers {found} for {path}")


def tcp(port: int, timeout: float = TIMEOUT_SECONDS) -> Answer:
    """Connect to a port on loopback."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout):
            return Answer(True, "takes connections")
    except OSError as error:
        return Answer(False, _reason(error))


def named(name: str, timeout: float = 2.0) -> Answer:
    """Ask for the box's name as others in the house do, by multicast DNS."""
    try:
        found = mdns.answers(name, timeout)
    except OSError:  # another issue says that there is no network
        return Answer(True, "has no network to answer in")
    return Answer(found, "answers" if found else f"does not answer for {name}")


def mqtts(port: int, name: str, timeout: float = TIMEOUT_SECONDS) -> Answer:
    """Greet the broker as a device in the house does, by TLS; see ``mqtt``."""
    try:
        with (
            socket.create_connection((LOOPBACK, port), timeout) as plain,
            _unverified().wrap_socket(plain, server_hostname=name) as client,
        ):
            client.sendall(MQTT_CONNECT)
            return judge_connack(client.recv(4))
    except OSError as error:
        return Answer(False, _reason(error))


def mqtt(port: int, timeout: float = TIMEOUT_SECONDS) -> Answer:
    """Greet the broker without an account: a healthy one answers, and the answer is no."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout) as client:
            client.sendall(MQTT_CONNECT)
            return judge_connack(client.recv(4))
    except OSError as error:
        return Answer(False, _reason(error))


def judge_connack(answer: bytes) -> Answer:
    """Judge the broker's answer to a greeting without an account (MQTT 3.1.1, section 3.2)."""
    if len(answer) < 4 or answer[:2] != b"\x20\x02":
        return Answer(False, "the answer isn't MQTT")
    if answer[3] == 0:
        return Answer(False, "lets anybody in without a password")
    if answer[3] not in MQTT_REFUSALS:
        return Answer(False, f"refuses connections (return code {answer[3]})")
    return Answer(True, "answers")


def certificate(
    port: int, name: str, ca: Path, greeting: bytes = b"", timeout: float = TIMEOUT_SECONDS
) -> Certificate:
    """Shake hands on loopback and return what the port serves for ``name``, judged by the CA.

    A service that would log a connection without a word as an error is given a greeting.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca))
    except OSError as error:
        return Certificate(False, f"the CA's certificate {ca} can't be used: {_words(error)}")
    try:
        with (
            socket.create_connection((LOOPBACK, port), timeout) as plain,
            context.wrap_socket(plain, server_hostname=name) as client,
        ):
            served = client.getpeercert() or {}
            if greeting:
                client.sendall(greeting)
                client.recv(4)
    except ssl.SSLCertVerificationError as error:
        return Certificate(False, error.verify_message)
    except OSError as error:
        return Certificate(False, _reason(error))
    return Certificate(True, "valid", ssl.cert_time_to_seconds(str(served["notAfter"])))


def _judge(found: int, text: bytes, status: Collection[int], body: str, else_: str) -> Answer:
    right = (found in status if status else found < 500) and body.encode() in text
    return Answer(True, "answers") if right else Answer(False, else_)


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _read(client: socket.socket, deadline: float) -> bytes:
    answer = b""
    while len(answer) < ANSWER_BYTES:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        client.settimeout(left)
        part = client.recv(ANSWER_BYTES - len(answer))
        if not part:
            break
        answer += part
    return answer


def _reason(error: Exception) -> str:
    return f"does not answer: {_words(error)}"


def _words(error: Exception) -> str:
    words = getattr(error, "strerror", None) or str(error)
    return words[:1].lower() + words[1:]
