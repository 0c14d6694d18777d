"""Put the readings of a backup back: in place of those that are there, or beside them."""

from __future__ import annotations

import json
import sys
import time
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hems import systemd
from hems.backup import BackupError, gather, put_back
from hems.backup.backup_settings import Influxdb
from hems.backup.influx import CURE, OK, Figures, Influx, differing

UNIT = "influxdb.service"
BESIDE = "hems_restore"  # the bucket into which a backup is unpacked
START_SECONDS = 600.0
SECOND = 10**9  # ns
DAY = 86400 * SECOND

Say = Callable[[str], None]


def replace(influx: Influx, settings: Influxdb, directory: Path, account: tuple[str, str]) -> None:
    """Make InfluxDB the one of a backup: readings, buckets, tokens. Raises HemsError.

    ``influx`` has the backup's operator token, ``account`` is user and password of a server that is
    set up anew. InfluxDB takes a whole backup only from who is its operator before and after.
    """
    if not _is_operator(influx):
        systemd.stop(UNIT)
        words = [sys.executable, "-I", put_back.__file__, str(settings.directory), "--empty"]
        gather.as_user(settings.user, words)
        systemd.order_restart(UNIT)
        _set_up(influx, account)
    influx.command("restore", "--full", str(directory))


def add(influx: Influx, directory: Path, known: Figures | None, since: int, say: Say) -> int:
    """Add the readings of a backup from ``since`` (s since 1970) on, and return how many it has.

    ``known`` are its counts and sums. A point that is there already is the same point afterwards.
    Raises BackupError.
    """
    influx.drop(BESIDE)
    influx.unpack(directory, BESIDE)
    try:
        if known and differing(known, influx.figures(BESIDE, known.until)):
            raise BackupError(
                "InfluxDB did not unpack all readings of the backup: run the same command again. "
                "'sudo hems backup list' shows older ones."
            )
        span = influx.span(BESIDE)
        if span is None or span[1] < since * SECOND:
            return 0
        begin = max(span[0], since * SECOND) // DAY * DAY
        for day in range(begin, span[1] + 1, DAY):
            say(f"The readings of {datetime.fromtimestamp(day // SECOND, UTC):%Y-%m-%d} …")
            _copy_day(influx, max(day, since * SECOND), day + DAY)
        counts = influx.figures(BESIDE, span[1] + 1, since * SECOND).values
        return round(sum(value for name, value in counts.items() if " count_" in name))
    finally:
        influx.drop(BESIDE)


def _copy_day(influx: Influx, begin: int, end: int) -> None:
    flux = (
        f'from(bucket: "{BESIDE}") |> range(start: time(v: {begin}), stop: time(v: {end}))'
        f' |> to(bucket: "{influx.bucket}", org: "{influx.organization}")'
        " |> filter(fn: (r) => false)"
    )
    query = urllib.parse.urlencode({"org": influx.organization})
    path = f"/api/v2/query?{query}"
    status, body = influx.request("POST", path, flux, "application/vnd.flux")
    text = body.decode("utf-8", "replace")
    if status != OK or "error,reference" in text:
        last = " ".join(text.split())[-200:]
        raise BackupError(f"InfluxDB does not take the readings of a backup ({last}): {CURE}")


def _is_operator(influx: Influx) -> bool:
    """Whether the server knows the token."""
    status, _ = influx.request("GET", "/api/v2/orgs")
    return status == OK


def _set_up(influx: Influx, account: tuple[str, str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    user, password = account
    wanted = {
        "username": user,
        "password": password,
        "org": influx.organization,
        "bucket": influx.bucket,
        "retentionPeriodSeconds": 0,
        "token": influx.token,
    }
    while True:
        try:
            status, _ = influx.request("POST", "/api/v2/setup", json.dumps(wanted))
        except BackupError:
            status = 0
        if status == 201:
            return
        if time.monotonic() >= deadline or status not in (0, 503):
            raise BackupError(
                f"InfluxDB could not be set up anew (it answers {status}): 'journalctl -u "
                "influxdb' says why; then run the restore again."
            )
        time.sleep(1)
