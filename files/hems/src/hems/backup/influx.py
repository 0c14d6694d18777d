"""InfluxDB's own backup: InfluxData's command ``influx``, and the counts and sums that prove it.

The command's success proves nothing. A backup copies InfluxDB's files: what it has in memory it
writes into them first, unless it is just doing that, when it goes on without. A restore whose file
could not be taken is called done. The command gets its token in a file: an argument or a variable
could be seen by others.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hems import influxql
from hems.backup import BackupError
from hems.backup.shards import DAY, newest
from hems.loopback import LOOPBACK, exchange

SETTLE = 60 * 10**9  # ns; Home Assistant gives a younger reading up, or has it written by then
ROUNDING = 1e-9
TRIES = 3  # a gap may be filled between two counts
PROOF = "hems_proof"  # the bucket into which the newest part of a copy is unpacked
MANIFESTS = "*.manifest"  # InfluxDB's own list of what it has copied
OK = 200
SECONDS = 3 * 3600.0
TIMEOUT_SECONDS = 600.0
ANSWER_BYTES = 64 * 1024 * 1024
CURE = "'hems status' says how it is."


class Figures(msgspec.Struct, frozen=True):
    """Counts and sums of all fields before a time, by measurement and field's function."""

    until: int  # ns since 1970
    values: dict[str, float]  # "W count_value": 120, "W sum_value": 3000.5


def differing(one: Figures, other: Figures) -> list[str]:
    """Return the names of what differs: of counts exactly, of sums but for rounding.

    InfluxDB adds the parts of a sum in another order each time.
    """
    return sorted(
        name
        for name in one.values.keys() | other.values.keys()
        if not _alike(name, one.values.get(name), other.values.get(name))
    )


def _alike(name: str, one: float | None, other: float | None) -> bool:
    if one is None or other is None or " count_" in name:
        return one == other
    return math.isclose(one, other, rel_tol=ROUNDING, abs_tol=ROUNDING)


@dataclass(frozen=True, repr=False)
class Influx:
    """The server on loopback. Printed, it does not show its token."""

    port: int
    organization: str
    bucket: str
    token: str

    def back_up(self, directory: Path, clock: Callable[[], int] = time.time_ns) -> Figures | None:
        """Copy everything into ``directory``; ``clock`` returns ns since 1970.

        Returns what the readings' counts and sums are in the copy, up to a minute before it was
        made. None: whenever it was made, old readings were changed meanwhile or it lacked the
        newest ones; the last copy stays. Raises BackupError.
        """
        for _ in range(TRIES):
            for file in directory.glob("*"):
                file.unlink()
            until = clock() - SETTLE
            before = self.figures(self.bucket, until)
            options = ["--compression=none", "--gzip-compression-level=none"]
            self.command("backup", *options, str(directory))
            after = self.figures(self.bucket, until)
            if not differing(before, after) and self._has_newest(directory, until):
                return after
        return None

    def _has_newest(self, directory: Path, until: int) -> bool:
        """Whether a copy has the last day's readings before ``until`` (ns), seen by unpacking."""
        try:
            [manifest] = directory.glob(MANIFESTS)
            part = newest(json.loads(manifest.read_bytes()), self.bucket, until)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise BackupError(
                f"'influx backup' wrote no list that is understood: {CURE}"
            ) from error
        if part is None:
            return not self.figures(self.bucket, until, until - DAY).values
        self.drop(PROOF)
        try:
            with tempfile.TemporaryDirectory(dir=directory.parent) as work:
                for name in part.files:
                    os.link(directory / name, Path(work, name))
                Path(work, manifest.name).write_text(json.dumps(part.manifest), encoding="utf-8")
                self.unpack(Path(work), PROOF)
            copied = self.figures(PROOF, until, part.begin)
        finally:
            self.drop(PROOF)
        return not differing(copied, self.figures(self.bucket, until, part.begin))

    def unpack(self, directory: Path, bucket: str) -> None:
        """Put the readings of a copy into a new bucket. Raises BackupError."""
        names = [f"--bucket={self.bucket}", f"--new-bucket={bucket}"]
        self.command("restore", *names, str(directory))

    def drop(self, bucket: str) -> None:
        """Remove a bucket, if it is there. Raises BackupError."""
        query = urllib.parse.urlencode({"name": bucket})
        status, body = self.request("GET", f"/api/v2/buckets?{query}")
        found = json.loads(body).get("buckets", []) if status == OK else []
        for one in found:
            self.request("DELETE", f"/api/v2/buckets/{one['id']}")

    def figures(self, bucket: str, until: int, since: int = 0) -> Figures:
        """Return the counts and sums of a bucket's readings from a time on before another (ns)."""
        found: dict[str, float] = {}
        where = f"WHERE time >= {since} AND time < {until}"
        for series in self._ask(bucket, f"SELECT count(*), sum(*) FROM /.+/ {where}"):
            for row in series.get("values", []):
                columns = dict(zip(series["columns"], row, strict=True))
                columns.pop("time")
                found |= {
                    f"{series['name']} {name}": value
                    for name, value in columns.items()
                    if value is not None
                }
        return Figures(until, found)

    def command(self, verb: str, *arguments: str) -> None:
        """Run ``influx``. Raises BackupError with what it said last."""
        with self._configured() as file:
            words = ["influx", verb, "--configs-path", str(file), *arguments]
            try:
                done = subprocess.run(
                    words,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    cwd="/",
                    timeout=SECONDS,
                    check=False,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise BackupError(f"'influx {verb}' can't be run ({error}).") from error
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()][-1:]
            raise BackupError(f"'influx {verb}' failed ({' '.join(said)[:300]}): {CURE}")

    @contextmanager
    def _configured(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="hems-influx.") as directory:
            file = Path(directory, "configs")
            url = f"http://{LOOPBACK}:{self.port}"
            lines = {"url": url, "token": self.token, "org": self.organization}
            text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(f"[box]\n{text}active = true\n")
            yield file

    def _ask(self, bucket: str, question: str) -> list[dict[str, Any]]:
        status, body = self.request("POST", influxql.path(bucket, question))
        try:
            return influxql.series(status, body)
        except influxql.AnswerError as error:
            raise BackupError(f"{error}: {CURE}") from error

    def request(
        self, method: str, path: str, body: str = "", kind: str = "application/json"
    ) -> tuple[int, bytes]:
        """Return status and body of an answer. Raises BackupError where there is none."""
        headers = {"Authorization": f"Token {self.token}", "Content-Type": kind}
        bounds: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "most": ANSWER_BYTES}
        try:
            return exchange(self.port, method, path, body.encode(), headers, **bounds)
        except (OSError, ValueError) as error:
            raise BackupError(f"InfluxDB does not answer ({error}): {CURE}") from error

    def span(self, bucket: str) -> tuple[int, int] | None:
        """Return the times (ns) of a bucket's first and last reading, None where it has none."""
        times: list[int] = []
        for order in ("ASC", "DESC"):
            found = self._ask(bucket, f"SELECT * FROM /.+/ ORDER BY time {order} LIMIT 1")
            times += [int(one["values"][0][0]) for one in found]
        return (min(times), max(times)) if times else None
