"""The backfill killed at random moments, each time finished by the next run: nothing is twice.

    python3 -m tests.benchmark.history_kills [--kills 20] [--seed N] [--influxd PATH]

A recorder of ten days and a real InfluxDB 2. Before each kill a day of readings is taken out of
InfluxDB; `kill -9` ends the process that fills at a moment within the time that it would take.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import tempfile
import time
import urllib.parse
import urllib.request
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hems.history.compare import SECOND
from hems.history.fill import History, Limits
from hems.history.influxdb import Influxdb
from hems.history.ledger import Ledger
from hems.history.recorder import Recorder

from tests.benchmark.history import DAYS, PORT, TOKEN, server, write

READINGS = 200_000
DAY = 86400 * SECOND
# Small batches, so that a kill comes between any two of them and within one.
LIMITS = Limits(batch=500, rate=10**9, seconds=10**9, settle=0)


def fill(directory: Path, now: int, answer: Any = None) -> None:
    """Fill what is missing, and send how many were."""
    with (
        closing(Ledger(directory / "ledger.db")) as book,
        closing(Recorder(directory / "recorder.db", ["sensor"], [])) as recorder,
    ):
        found = History(recorder, Influxdb(PORT, TOKEN), book, [], LIMITS, now).fill(whole=True)
    if answer is not None:
        answer.send(found.filled)


def ask(path: str, body: bytes | None = None) -> bytes:
    """Ask InfluxDB."""
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", body)
    request.add_header("Authorization", f"Token {TOKEN}")
    with urllib.request.urlopen(request, timeout=120) as reply:
        return bytes(reply.read())


def take_out(begin: int) -> None:
    """Remove a day of readings."""
    ends = [datetime.fromtimestamp(at // SECOND, UTC).isoformat() for at in (begin, begin + DAY)]
    body = {"start": ends[0], "stop": ends[1]}
    ask("/api/v2/delete?org=hems&bucket=home_assistant", json.dumps(body).encode())


def state() -> dict[str, list[float]]:
    """Return number and sum of the values of each series."""
    question = "SELECT count(value), sum(value) FROM /.+/ GROUP BY *"
    query = urllib.parse.urlencode({"db": "home_assistant", "q": question})
    result = json.loads(ask(f"/query?{query}"))["results"][0]
    return {
        json.dumps([one["name"], one["tags"]]): one["values"][0][1:] for one in result["series"]
    }


def run(process: Any, seconds: float | None = None) -> bool:
    """Run a process; kill it after so many seconds. Return whether it was killed."""
    process.start()
    process.join(seconds)
    killed = bool(process.is_alive())
    process.kill()
    process.join()
    return killed


def main() -> int:
    """Run it; 1 when something is missing or twice."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--influxd", default="influxd", help="a real InfluxDB 2's program")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    begin = (time.time_ns() // SECOND - DAYS * 86400 - 600) * SECOND
    now = begin + DAYS * DAY + SECOND
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as name,
        server(given.influxd, Path(name)),
    ):
        directory = Path(name)
        write(READINGS, begin, directory / "recorder.db")
        fill(directory, now)  # what the other benchmark leaves out
        whole, wrong, took, killed = state(), 0, 0.0, 0
        while killed < given.kills:
            take_out(begin + chance.randrange(DAYS - 1) * DAY)
            left = state()
            if took and run(
                context.Process(target=fill, args=(directory, now)), chance.uniform(0, took)
            ):
                killed += 1
                halfway = state()
                ours, theirs = context.Pipe()
                run(context.Process(target=fill, args=(directory, now, theirs)))
                same = state() == whole
                wrong += not same
                missing, then = (sum(n for n, _ in one.values()) for one in (left, halfway))
                print(
                    f"kill {killed}: {READINGS - missing} missing, {then - missing} of them given "
                    f"back when it was killed, {ours.recv()} by the next run; "
                    f"{'all there once' if same else 'NOT AS IT WAS'}",
                    flush=True,
                )
            else:  # it was quicker, or how long it takes is not known yet
                started = time.monotonic()
                run(context.Process(target=fill, args=(directory, now)))
                took = took or time.monotonic() - started
    print(f"{killed} kills with seed {given.seed}: {wrong} times not as it was.")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
