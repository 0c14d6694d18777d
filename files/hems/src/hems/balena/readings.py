"""Bring the old InfluxDB's readings into the box's.

The old files are read by ``influxd inspect``, with the rights to read and no others; no second
server runs. They are written with the history's own token, by its user, who keeps the hours, the
days and how long readings stay: all are kept until hours and days are made of the old ones too.
"""

from __future__ import annotations

import io
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TextIO

from hems import HemsError
from hems.as_user import as_user
from hems.balena import BalenaError
from hems.balena.exported import Bucket, Name, Reader, buckets, choose
from hems.history import run as history
from hems.history.influxdb import Influxdb, batches
from hems.history.ledger import FILE, Ledger
from hems.history.line import KEY, MEASUREMENT
from hems.history.rolling import ROLLED
from hems.history.tiers import Tiers
from hems.settings import Appliance

BOLT, ENGINE = "influxd.bolt", "engine"
USER = "influxdb"
BATCH = 20_000  # lines; InfluxDB acknowledges twice a second, whatever their number
SECONDS = 24 * 3600.0
WINDOW = 30 * 86400 * 10**9  # ns that are counted at a time
# It reads what belongs to nobody of this box, and can do nothing else that its user can't.
RIGHTS = (
    "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs",
    "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search",
    "--bounding-set=-all,+dac_read_search", "--",
)  # fmt: skip
INSPECT = (*RIGHTS, "influxd", "inspect")
BROKEN = re.compile(r"Broken Blocks: (\d+) / (\d+)")
INSTEAD = "copy the volume anew, or leave the readings out with -e without=readings."
TELL = 50  # batches

Say = Callable[[str], None]


def bucket(volume: Path, wanted: str) -> Bucket:
    """Return the old bucket with the readings. Raises BalenaError."""
    bolt, data = volume / BOLT, volume / ENGINE / "data"
    if bolt.is_symlink() or not bolt.is_file() or not data.is_dir():
        raise BalenaError(f"{volume} lacks the old InfluxDB's {BOLT} or {ENGINE}/data: {INSTEAD}")
    return choose(buckets(bolt.read_bytes(), lambda one: (data / one).is_dir()), wanted)


def verify(volume: Path) -> None:
    """Have InfluxData's own tool look at every block of the old files. Raises BalenaError.

    It says how many are broken, and ends well all the same. What was in the write-ahead log when
    the power went is not whole, and is no damage.
    """
    words = [*INSPECT, "verify-tsm", f"--engine-path={volume / ENGINE}"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, cwd="/", check=False)
    except OSError as error:
        raise BalenaError(f"The old InfluxDB can't be read ({error}): run the playbook.") from error
    found = BROKEN.search(done.stdout + done.stderr)
    if done.returncode or found is None:
        raise BalenaError(
            f"The old InfluxDB's data are damaged, or this box has no influxd that can read them "
            f"({_said(done.stderr)}): {INSTEAD}"
        )
    if int(found[1]):
        raise BalenaError(
            f"The old InfluxDB's data are damaged ({found[1]} of {found[2]} blocks): {INSTEAD}"
        )


def bring(this: Appliance, volume: Path, one: Bucket, say: Say) -> str:
    """Write the old readings into the box's bucket, and prove it; return what was done.

    A second time writes the same points again, which changes nothing. Raises HemsError.
    """
    wanted, secret = history.options(), history.token(this)
    with _exported(volume, one) as lines:

        def work() -> dict[str, str]:
            try:
                with history.alone(wanted.state), closing(Ledger(wanted.state / FILE)) as ledger:
                    influxdb = Influxdb(this.ports.influxdb, secret)
                    if wanted.rollups:
                        _keep_all(Tiers(influxdb))
                    return {"done": copy(influxdb, ledger, lines, say)}
            except HemsError as error:
                return {"problem": str(error)}

        found: dict[str, str] = as_user(wanted.user, work, SECONDS)
        if "problem" in found:
            raise BalenaError(found["problem"])
    return found["done"]


def _keep_all(tiers: Tiers) -> None:
    """Have InfluxDB take old readings; the history bounds them again once it has its hours."""
    if tiers.kept():
        tiers.keep(0)


def copy(influxdb: Influxdb, ledger: Ledger, lines: Iterable[str], say: Say) -> str:
    """Write exported lines, count them at the far end, have their hours and days made."""
    reader, refused, reason = Reader(), 0, ""
    for number, batch in enumerate(batches(reader.read(lines), BATCH), 1):
        written = influxdb.write(batch)
        refused, reason = refused + len(written.refused), written.reason or reason
        if number % TELL == 0:
            say(f"{reader.lines} values of readings are written …")
    if reader.first is None or reader.last is None:
        return "The old InfluxDB has no readings."
    proven = ledger.progress(ROLLED)
    if proven is not None and reader.first < proven:
        ledger.advance(ROLLED, reader.first)
    there = _counts(influxdb, reader.first, reader.last)
    lost = sum(max(0, count - there.get(name, 0)) for name, count in reader.values.items())
    if lost > refused:
        raise BalenaError(
            f"{lost} values of the old readings are not in InfluxDB after all were written: "
            "'hems status' says how it is; then run the import again."
        )
    but = f", {refused} were refused ({reason})" if refused else ""
    return f"{sum(reader.values.values())} values of readings are in InfluxDB{but}."


def _counts(influxdb: Influxdb, first: int, last: int) -> dict[Name, int]:
    found: dict[Name, int] = {}
    for begin in range(first, last + 1, WINDOW):
        end = min(begin + WINDOW, last + 1)
        question = f"SELECT count(*) FROM /.+/ WHERE time >= {begin} AND time < {end}"
        for series, rows in influxdb.question(question):
            measurement = series["name"].translate(MEASUREMENT)
            for row in rows:
                for column, count in zip(series["columns"][1:], row[1:], strict=True):
                    name = measurement, column.removeprefix("count_").translate(KEY)
                    found[name] = found.get(name, 0) + int(count or 0)
    return found


@contextmanager
def _exported(volume: Path, one: Bucket) -> Iterator[TextIO]:
    words = [*INSPECT, "export-lp", f"--bucket-id={one.id}", f"--engine-path={volume / ENGINE}"]
    words += ["--output-path=-", "--log-level=error"]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=said, cwd="/") as process:
            assert process.stdout is not None
            try:
                # A text may have other line breaks in it: they are none of the export's.
                yield io.TextIOWrapper(process.stdout, "utf-8", "replace", newline="\n")
            except BaseException:
                process.kill()
                raise
        said.seek(0)
        wrong = said.read().decode("utf-8", "replace")
        if process.returncode or wrong.strip():
            raise BalenaError(f"The old InfluxDB's data are damaged ({_said(wrong)}): {INSTEAD}")


def _said(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and "--help" not in line]
    lines = [line for line in lines if not line.startswith("See ")]
    return lines[-1][:200] if lines else "it says nothing"
