"""The weekly drill: bring the newest backup back in throw-away places, and look at what came.

``python -m hems.backup.drill`` is the timer's. An exit code proves nothing: readings are compared
in counts and sums, databases are read to their end, and Home Assistant checks its configuration.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from hems import HemsError
from hems.backup import BackupError, gather, restore, status, try_out
from hems.backup.box import Box, box
from hems.backup.gather import READINGS, Manifest
from hems.backup.influx import differing

BUCKET = "hems_drill"
PART = "home_assistant"


def once(this: Box, say: restore.Say) -> None:
    """Do it. Raises HemsError with what is wrong with the newest backup."""
    try:
        manifest = restore.fetch(this, "", (READINGS, PART), say)
        wrong = [*_lacking(manifest), *_readings(this, manifest), *_home_assistant(this)]
    finally:
        shutil.rmtree(restore.FETCHED, ignore_errors=True)
    if wrong:
        raise BackupError(
            f"The backup of {manifest.made} would not bring the box back: {'; '.join(wrong)}. "
            "'sudo hems backup now' makes another; 'sudo hems backup list' shows older ones."
        )


def _lacking(manifest: Manifest) -> Iterator[str]:
    for name, why in manifest.missing.items():
        yield f"it lacks {name} ({why.rstrip('.')})"
    if gather.is_unproven(manifest):
        yield "its readings can't be compared: InfluxDB did not copy them unchanged"


def _readings(this: Box, manifest: Manifest) -> Iterator[str]:
    if READINGS in manifest.missing or manifest.figures is None:
        return  # said already
    this.influx.drop(BUCKET)
    try:
        this.influx.unpack(restore.FETCHED / READINGS, BUCKET)
        found = this.influx.figures(BUCKET, manifest.figures.until)
    finally:
        this.influx.drop(BUCKET)
    if names := differing(manifest.figures, found):
        yield f"counts or sums of {len(names)} fields of readings differ, such as {names[0]}"


def _home_assistant(this: Box) -> Iterator[str]:
    archive = restore.FETCHED / f"{PART}.tar"
    [part] = [one for one in this.backup.parts if one.name == PART]
    if not archive.is_file():
        return
    root = this.appliance.home_assistant.root
    words = [sys.executable, "-I", try_out.__file__, str(part.directory), str(root)]
    words += [f"--database={name}" for name in part.databases]
    with archive.open("rb") as given:
        said = gather.as_user(part.user, words, given=given).stdout or b""
    yield from said.decode("utf-8", "replace").split("\n")[:-1] if said.strip() else []


def main() -> int:
    """Do it for the timer; what is wrong is told by the status file, and is no crash."""
    problem = ""
    try:
        once(box(), print)
    except HemsError as error:
        problem = str(error)
        print(problem, file=sys.stderr)
    now = status.utc(datetime.now(UTC))
    status.write(msgspec.structs.replace(status.read(), drilled=now, unproven=problem))
    return 0


if __name__ == "__main__":
    sys.exit(main())
