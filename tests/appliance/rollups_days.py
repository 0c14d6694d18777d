"""Runs on the Pi: hours and days of readings over both changes of the clock, by the box's own Flux.

    python3 - <port> <operator's token file> <directory of the Flux> <time zone>

Buckets of its own stand in for the box's. Prints as JSON, by day, what counters rose by as their
readings say (entity, bridged), and what hours and days have.
"""

from __future__ import annotations

import csv
import json
import random
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

PORT, TOKEN, FLUX = sys.argv[1], Path(sys.argv[2]).read_text().strip(), Path(sys.argv[3])
ZONE = ZoneInfo(sys.argv[4])
BUCKETS = {
    "home_assistant": "test_raw",
    "home_assistant_1h": "test_1h",
    "home_assistant_1d": "test_1d",
}
DAYS = [(2026, 3, 29), (2026, 10, 25)]
MINUTE = timedelta(minutes=1)


def ask(method: str, path: str, body: Any = None, **params: str) -> str:
    """Ask InfluxDB as its operator."""
    data = None if body is None else body if isinstance(body, str) else json.dumps(body)
    kind = "text/plain" if isinstance(body, str) else "application/json"
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}?{urllib.parse.urlencode(params)}",
        None if data is None else data.encode(),
        {"Authorization": f"Token {TOKEN}", "Content-Type": kind},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


def query(text: str, now: datetime | None = None) -> list[dict[str, str]]:
    """Return the rows of the answer to Flux."""
    body = {"query": text, "type": "flux", "dialect": {"annotations": []}}
    if now:
        body["now"] = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    rows: list[dict[str, str]] = []
    for table in ask("POST", "/api/v2/query", body, org="hems").split("\r\n\r\n"):
        rows += csv.DictReader(table.splitlines())
    if bad := [row for row in rows if row.get("error")]:
        sys.exit(f"Flux: {bad}")
    return rows


def flux(name: str) -> str:
    """Return the box's Flux, on the buckets of this test."""
    text = (FLUX / f"{name}.flux").read_text()
    for theirs, ours in BUCKETS.items():
        text = text.replace(f'"{theirs}"', f'"{ours}"')
    return text


def midnight(day: tuple[int, int, int], later: int = 0) -> datetime:
    """Return when a local day begins."""
    return datetime(*day, tzinfo=ZONE) + timedelta(days=later)


Reading = tuple[datetime, float, bool]  # when, what, and whether it is bridged


def readings(begin: datetime, end: datetime) -> dict[str, list[Reading]]:
    """Return what each sensor says around a day, times in UTC."""
    first, last = begin.astimezone(UTC), end.astimezone(UTC)
    noon = first + (last - first) / 2
    chance = random.Random(first.isoformat())
    found: dict[str, list[Reading]] = defaultdict(list)
    at, counted = first - 125 * MINUTE, 1000.0
    while at < last + 125 * MINUTE:
        counted = round(counted + chance.randrange(200) / 1000, 3)
        found["meter"].append((at, counted, False))
        # A meter that is exchanged for one that has counted much more, and one that begins anew.
        found["exchanged"].append((at, counted + (53000 if at > noon else 0), False))
        found["reset"].append((at, round(counted - (1000 if at > noon else 0), 3), False))
        if not first + 480 * MINUTE < at < first + 720 * MINUTE:
            found["bridged"].append((at, counted, False))
        at += 7 * MINUTE
    start = max(one for one in found["bridged"] if one[0] <= first + 480 * MINUTE)
    back = min(one for one in found["bridged"] if one[0] >= first + 720 * MINUTE)
    step = (back[1] - start[1]) / ((back[0] - start[0]) / MINUTE)
    found["bridged"] += [
        (start[0] + number * MINUTE, round(start[1] + step * number, 6), True)
        for number in range(5, int((back[0] - start[0]) / MINUTE), 5)
    ]
    found["bridged"].sort()
    found["quiet"] = [(first - 100 * MINUTE, 5.0, False), (first + 400 * MINUTE, 8.0, False)]
    found["power"] = [
        (first + minute * MINUTE, watts, False)
        for minute, watts in ((-90, 0.0), (620, 2000.0), (640, 0.0))
    ]
    return found


def rise(points: list[Reading], begin: datetime, end: datetime) -> dict[str, float]:
    """Return what a counter rose by in a day, measured and bridged; a leap is another meter's."""
    found = {"": 0.0, "yes": 0.0}
    for (_, low, guess), (at, high, guessed) in pairwise(points):
        if begin <= at < end and 0 < high - low < 50:
            found["yes" if guess or guessed else ""] += high - low
    return found


def fill(day: tuple[int, int, int]) -> dict[str, dict[str, float]]:
    """Write the readings of a day, make its hours and the day, and return what they rose by."""
    begin, end = midnight(day), midnight(day, 1)
    points = readings(begin, end)
    lines = [
        f"{'W' if name == 'power' else 'kWh'},domain=sensor,entity_id={name}"
        f"{',bridged=yes' if guess else ''} value={value} {int(at.timestamp())}"
        for name, row in points.items()
        for at, value, guess in row
    ]
    ask("POST", "/api/v2/write", "\n".join(lines), org="hems", bucket="test_raw", precision="s")
    hourly, at = flux("hourly"), begin.astimezone(UTC) - timedelta(hours=2)
    while at < end.astimezone(UTC):
        at += timedelta(hours=1)
        query(hourly, at)
    query(flux("daily"), end)
    counters = [name for name in points if name != "power"]
    return {name: rise(points[name], begin, end) for name in counters}


def sums(bucket: str, day: tuple[int, int, int], field: str) -> list[tuple[str, str, float]]:
    """Return entity, bridged, and the sum of a field over a day's points."""
    start, stop = (f"{midnight(day, later).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for later in (0, 1))
    text = (
        f'from(bucket: "{bucket}") |> range(start: {start}, stop: {stop}) '
        f'|> filter(fn: (r) => r._field == "{field}") |> sum()'
    )
    return [
        (row["entity_id"], row.get("bridged") or "", float(row["_value"])) for row in query(text)
    ]


org = json.loads(ask("GET", "/api/v2/orgs", org="hems"))["orgs"][0]["id"]
made = []
for bucket in BUCKETS.values():
    body = {"orgID": org, "name": bucket, "retentionRules": []}
    made.append(json.loads(ask("POST", "/api/v2/buckets", body))["id"])
try:
    result = []
    for day in DAYS:
        truth = fill(day)
        length = (midnight(day, 1).astimezone(UTC) - midnight(day).astimezone(UTC)) / MINUTE / 60
        tiers = {bucket: sums(bucket, day, "increase") for bucket in ("test_1h", "test_1d")}
        means = {bucket: sums(bucket, day, "mean") for bucket in ("test_1h", "test_1d")}
        result.append({"hours": length, "truth": truth, "tiers": tiers, "means": means})
    print(json.dumps(result))
finally:
    for bucket in made:
        ask("DELETE", f"/api/v2/buckets/{bucket}")
