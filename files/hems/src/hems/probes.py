"""Ask each service in its own protocol whether it answers, and the door for its certificate.

No probe sends credentials: ten wrong ones from loopback would get loopback banned by Home Assistant
for good. Every probe ends within its time-out and reads no more than it needs.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hems import loopback, mdns, services
from hems.loopback import LOOPBACK, TIMEOUT_SECONDS, NamedContext
from hems.mqtt import Broker, greet

# MQTT 5, section 3.2.2.2: bad user name or password, not authorised
REFUSALS = (0x86, 0x87)


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


Question = Callable[[], Answer]


def question(probe: services.Probe, name: str) -> Question | None:
    """Return what asks as an entry says; None where only the unit's state can tell.

    ``name`` is the box's, <host>.local.
    """
    match probe:
        case services.Http():
            return partial(http, probe.port, probe.path, probe.status, probe.body)
        case services.Https():
            return partial(https, probe.port, name, probe.path, probe.status, probe.body)
        case services.Tcp():
            return partial(tcp, probe.port)
        case services.Mqtt():
            return partial(mqtt, probe.port)
        case services.Mqtts():
            return partial(mqtts, probe.port, name)
        case services.Influxdb():
            return partial(influxdb, probe.port)
        case services.Mdns():
            return partial(named, name)
        case _:
            return None


def http(port: int, path: str, status: Collection[int] = (), body: str = "") -> Answer:
    """GET a path from loopback: an answer has one of ``status`` (none: below 500) and ``body``."""
    try:
        found, text = loopback.exchange(port, "GET", path)
    except (OSError, ValueError) as error:
        return Answer(False, _reason(error))
    return _judge(found, text, status, body, f"answers {found}")


def influxdb(port: int) -> Answer:
    """Ask InfluxDB for its health, which it gives without a token."""
    try:
        status, body = loopback.exchange(port, "GET", "/health")
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
    tls = loopback.context(name)
    try:
        found, text = loopback.exchange(
            port, "GET", path, headers={"Host": name}, timeout=timeout, tls=tls
        )
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


def mqtt(port: int, tls: NamedContext | None = None, timeout: float = TIMEOUT_SECONDS) -> Answer:
    """Greet the broker without an account: a healthy one answers, and the answer is no."""
    try:
        reason, _ = greet(Broker(port, tls=tls), timeout)
    except (OSError, ValueError) as error:
        return Answer(False, _reason(error))
    if not reason.is_failure:
        return Answer(False, "lets anybody in without a password")
    if reason.value not in REFUSALS:
        return Answer(False, f"refuses connections ({reason})")
    return Answer(True, "answers")


def mqtts(port: int, name: str, timeout: float = TIMEOUT_SECONDS) -> Answer:
    """Greet the broker as a device in the house does, by TLS; see ``mqtt``."""
    return mqtt(port, loopback.context(name), timeout)


def certificate(
    served: services.Certificate, name: str, ca: Path, timeout: float = TIMEOUT_SECONDS
) -> Certificate:
    """Shake hands on loopback and return what a port serves for ``name``, judged by the CA."""
    try:
        tls = loopback.context(name, str(ca))
    except OSError as error:
        return Certificate(False, f"the CA's certificate {ca} can't be used: {_words(error)}")
    try:
        if served.protocol == "mqtt":  # it would log a connection without a word as an error
            _, shown = greet(Broker(served.port, tls=tls), timeout)
        else:
            with (
                socket.create_connection((LOOPBACK, served.port), timeout) as plain,
                tls.wrap_socket(plain) as client,
            ):
                shown = client.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return Certificate(False, error.verify_message)
    except (OSError, ValueError) as error:
        return Certificate(False, _reason(error))
    return Certificate(True, "valid", ssl.cert_time_to_seconds(str(shown["notAfter"])))


def _judge(found: int, text: bytes, status: Collection[int], body: str, else_: str) -> Answer:
    right = (found in status if status else found < 500) and body.encode() in text
    return Answer(True, "answers") if right else Answer(False, else_)


def _reason(error: Exception) -> str:
    return f"does not answer: {_words(error)}"


def _words(error: Exception) -> str:
    words = getattr(error, "strerror", None) or str(error)
    return words[:1].lower() + words[1:]
