"""Millions of readings compared with InfluxDB: seconds, and memory of both sides, are printed.

    python3 -m tests.benchmark.history [--readings 10000000] [--influxd PATH]

A recorder of ten days and a real InfluxDB 2, bounded as the appliance's, that lacks some readings.
The work is done in a process of its own, which must stay within what the appliance's unit allows.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hems.history.compare import SECOND
from hems.history.fill import History, Limits
from hems.history.influxdb import Influxdb
from hems.history.ledger import Ledger
from hems.history.line import Reading, line, nanoseconds
from hems.history.recorder import Recorder

from tests.unit.history_sides import SCHEMA

DAYS, ENTITIES = 10, 20
PORT, TOKEN = 28087, "benchmark-token"
MEMORY_MAX = 256  # MiB, of hems-history.service
PI = 4096  # MiB
BATCH = 10_000
STRETCH, LOST = 100_000, 2000  # of so many readings in a row, so many are missing
INDICES = """
CREATE INDEX ix_states_last_updated_ts ON states (last_updated_ts);
CREATE INDEX ix_states_metadata_id_last_updated_ts ON states (metadata_id, last_updated_ts);
"""
# What the role's configuration says, and the quickest acknowledgement.
SETTINGS = {
    "reporting-disabled": "true",
    "query-concurrency": "4",
    "query-queue-size": "16",
    "query-initial-memory-bytes": "10485760",
    "query-memory-bytes": "134217728",
    "storage-cache-max-memory-size": "134217728",
    "storage-max-concurrent-compactions": "1",
    "log-level": "error",
}


@contextmanager
def server(influxd: str, directory: Path) -> Iterator[int]:
    """Run InfluxDB and yield its process's number."""
    places = {"bolt-path": "b.bolt", "sqlite-path": "s.sqlite", "engine-path": "engine"}
    words = [f"--{name}={directory / place}" for name, place in places.items()]
    words += [f"--{name}={value}" for name, value in SETTINGS.items()]
    address = f"--http-bind-address=127.0.0.1:{PORT}"
    with subprocess.Popen([influxd, *words, address], stdout=subprocess.DEVNULL) as process:
        try:
            set_up()
            yield process.pid
        finally:
            process.terminate()


def set_up() -> None:
    """Make organization and bucket, as soon as it answers."""
    body = {"username": "hems", "password": "Bench1marking", "org": "hems", "token": TOKEN}
    content = json.dumps({**body, "bucket": "home_assistant"}).encode()
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/v2/setup", content).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def readings(count: int, begin: int) -> Iterator[Reading]:
    """Yield the readings of all sensors, by time."""
    attributes = {"unit_of_measurement": "W", "state_class": "measurement"}
    step = DAYS * 86400 / count
    for number in range(count):
        at = nanoseconds(begin / SECOND + number * step)
        yield Reading(f"sensor.s{number % ENTITIES}", at, f"{number % 4999}.5", attributes)


def write(count: int, begin: int, path: Path) -> int:
    """Give both sides their readings; return how many InfluxDB lacks."""
    influxdb, lost = Influxdb(PORT, TOKEN), 0
    with closing(sqlite3.connect(path)) as database:
        database.executescript(f"{SCHEMA}{INDICES}PRAGMA journal_mode=WAL;")
        names = [(one + 1, f"sensor.s{one}") for one in range(ENTITIES)]
        database.executemany("INSERT INTO states_meta VALUES (?, ?)", names)
        shared = json.dumps({"unit_of_measurement": "W", "state_class": "measurement"})
        database.execute("INSERT INTO state_attributes VALUES (1, ?)", (shared,))
        rows: list[tuple[Any, ...]] = []
        lines: list[str] = []
        for number, one in enumerate(readings(count, begin)):
            rows.append((number % ENTITIES + 1, one.state, one.at / SECOND, 1))
            if number % STRETCH >= LOST:
                lines.append(line(one))
            else:
                lost += 1
            if len(rows) == BATCH or number == count - 1:
                database.executemany(
                    "INSERT INTO states (metadata_id, state, last_updated_ts, attributes_id) "
                    "VALUES (?, ?, ?, ?)",
                    rows,
                )
                influxdb.write(lines)
                rows, lines = [], []
        database.commit()
    return lost


def work(kind: str, directory: Path, now: int, answer: Any) -> None:
    """Do one kind of work and send what it found, seconds, and the process's peak memory in MiB."""
    with (
        closing(Ledger(directory / "ledger.db")) as book,
        closing(Recorder(directory / "recorder.db", ["sensor"], [])) as recorder,
    ):
        limits = Limits(batch=1000, rate=10**9, seconds=10**9, settle=0)
        history = History(recorder, Influxdb(PORT, TOKEN), book, [], limits, now)
        started = time.monotonic()
        if kind == "fill":
            found = history.fill(whole=True)
        else:
            found = history.verify(*history.span(), closely=kind == "verify closely")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        seconds = time.monotonic() - started
    answer.send((found.compared, found.lost, found.filled, seconds, peak))


def measured(kind: str, directory: Path, now: int) -> tuple[int, int, int, float, float]:
    """Return what a process of its own says."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(kind, directory, now, theirs))
    process.start()
    found: tuple[int, int, int, float, float] = ours.recv()
    process.join()
    return found


def peak(process: int) -> float:
    """Return a process's peak memory in MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> int:
    """Run it; 1 when readings are left missing, or the memory of a Pi would not do."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--readings", type=int, default=10_000_000)
    parser.add_argument("--influxd", default="influxd", help="a real InfluxDB 2's program")
    given = parser.parse_args()
    begin = (time.time_ns() // SECOND - DAYS * 86400 - 600) * SECOND
    now = begin + DAYS * 86400 * SECOND + SECOND
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as name,
        server(given.influxd, Path(name)) as process,
    ):
        directory, started = Path(name), time.monotonic()
        lost = write(given.readings, begin, directory / "recorder.db")
        print(
            f"{given.readings} readings of {ENTITIES} sensors over {DAYS} days written in "
            f"{time.monotonic() - started:.0f} s, {lost} of them not to InfluxDB",
            flush=True,
        )
        worst, left = 0.0, lost
        for kind in ("verify", "verify closely", "fill", "verify closely"):
            compared, missing, filled, seconds, memory = measured(kind, directory, now)
            worst = max(worst, memory)
            left = missing - filled
            print(
                f"{kind}: {compared} compared, {missing} missing, {filled} filled, "
                f"{seconds:.0f} s, {memory:.0f} MiB; InfluxDB's peak {peak(process):.0f} MiB",
                flush=True,
            )
        fits = worst < MEMORY_MAX and worst + peak(process) < PI / 2
    print("It fits a Pi of 4 GB." if fits else "It does not fit a Pi of 4 GB.")
    return 0 if fits and not left else 1


if __name__ == "__main__":
    sys.exit(main())
