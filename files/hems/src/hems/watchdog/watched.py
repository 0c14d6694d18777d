"""The services that are watched: each asked in its own protocol, with the box's own account."""

from __future__ import annotations

import json
import os
import time
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hems import HemsError, loopback, probes
from hems.health.announce import ACCOUNT, Outbox
from hems.health.catalogue import Kind
from hems.mqtt import Account, Broker, BrokerError, Refused, round_trip
from hems.services import Entry, Influxdb, Mqtt, NetworkManager, Probe
from hems.watchdog import network_manager
from hems.watchdog.core import ProbeResult
from hems.watchdog.watchdog_settings import Services

BUCKET = "hems_probe"
MEASUREMENT = "watchdog"
TOPIC = f"hems/{ACCOUNT}/round_trip"
ROOM_BYTES = 8 * 1024 * 1024
NO_ROOM = b"no space left on device"  # ENOSPC, as InfluxDB passes it on


@dataclass(frozen=True, repr=False)
class Secrets:
    """The credentials that systemd hands the daemon, empty where one is missing.

    Printed, it shows none of them.
    """

    mqtt: str
    influxdb: str
    home_assistant: str


@dataclass(frozen=True)
class Service:
    """A watched service; ``kind`` is the issue that its silence is."""

    kind: Kind
    unit: str
    start: float  # seconds that it may take to answer after its unit came up
    probe: Callable[[], ProbeResult]
    optional: bool = False  # the box may lack its unit
    readings: bool = False  # are lost while it is away


def services(
    entries: Iterable[Entry],
    name: str,
    patience: Services,
    secrets: Secrets,
    outbox: Outbox,
) -> list[Service]:
    """Return what is watched on this site; the broker is told what is in ``outbox``.

    ``name`` is the box's, <host>.local.
    """
    return [
        Service(
            entry.kind,
            entry.unit,
            entry.start or patience.start,
            _question(entry.probe, name, secrets, outbox),
            entry.optional,
            entry.readings,
        )
        for entry in entries
        if entry.watched and entry.kind
    ]


def _question(
    probe: Probe, name: str, secrets: Secrets, outbox: Outbox
) -> Callable[[], ProbeResult]:
    """Return what asks: with the box's own account where it has one, else as anybody may."""
    match probe:
        case Mqtt() if secrets.mqtt:
            return lambda: tell(probe.port, secrets.mqtt, outbox)
        case Influxdb() if secrets.influxdb:
            return lambda: influxdb(probe.port, secrets.influxdb, time.time_ns(), probe.data)
        case NetworkManager():
            return _network_manager
    ask = probes.question(probe, name)
    return (lambda: _look(ask())) if ask else (lambda: ProbeResult(True, "runs"))


def tell(port: int, password: str, outbox: Outbox) -> ProbeResult:
    """Do a round trip with the box's account that delivers what is due to be told of the box."""
    now = time.monotonic()
    messages = outbox.due(now)
    try:
        round_trip(Broker(port), Account(ACCOUNT, password), TOPIC, messages)
    except BrokerError as error:
        return ProbeResult(False, str(error), curable=not isinstance(error, Refused))
    outbox.delivered(messages, now)
    return ProbeResult(True, "answers")


def influxdb(port: int, token: str, at: int, data: Path) -> ProbeResult:
    """Write a point at ``at`` (ns since 1970) to the probe's bucket and read it back.

    ``data`` is InfluxDB's directory. While its disk is full, a restart cures nothing and loses
    readings. Once there is room again, one is needed: InfluxDB does not try again to open a shard
    that it could not open, and refuses its points.
    """
    headers = {"Authorization": f"Token {token}"}
    point = f"{MEASUREMENT} value={at % 1000}i {at}\n"
    question = f'SELECT value FROM "{MEASUREMENT}" WHERE time = {at}'
    write = urllib.parse.urlencode({"db": BUCKET, "precision": "ns"})
    query = urllib.parse.urlencode({"db": BUCKET, "epoch": "ns", "q": question})
    try:
        status, body = loopback.exchange(port, "POST", f"/write?{write}", point, headers)
        if status != 204:
            return _refusal("the write", status, body, has_room(data))
        status, body = loopback.exchange(port, "GET", f"/query?{query}", headers=headers)
        if status != 200:
            return _refusal("the query", status, body, has_room(data))
        values = json.loads(body)["results"][0]["series"][0]["values"]
    except OSError as error:
        return ProbeResult(False, f"does not answer: {error.strerror or error}")
    except (ValueError, LookupError, TypeError):
        return ProbeResult(False, "does not give a point back that it took")
    if values != [[at, at % 1000]]:
        return ProbeResult(False, "gives another point back than it took")
    return ProbeResult(True, "takes points and gives them back")


def has_room(directory: Path) -> bool:
    """Whether more can be written to the directory's disk than what is left over on a full one."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize >= ROOM_BYTES


def _refusal(what: str, status: int, body: bytes, room: bool) -> ProbeResult:
    if NO_ROOM in body and not room:
        words = f"InfluxDB has no room for a point ({what} got {status})"
        return ProbeResult(False, words, curable=False, code="disk_full", needs_restart=True)
    if status in (401, 403, 404):
        return ProbeResult(False, f"{what} got {status}", curable=False, code="influxdb_refuses")
    return ProbeResult(False, f"{what} got {status}")


def _network_manager() -> ProbeResult:
    try:
        network_manager.connections()
    except HemsError as error:
        return ProbeResult(False, str(error))
    return ProbeResult(True, "answers")


def _look(answer: probes.Answer) -> ProbeResult:
    return ProbeResult(answer.ok, answer.detail)
