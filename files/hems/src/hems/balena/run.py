"""Take over an old system: what there is, what would be done, and the parts one after the other.

A part that is done is noted, so that another run changes nothing; one that was broken off is
finished by the next run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from hems import lock, systemd, whole_file
from hems.balena import BalenaError, able, old, place, readings, retained
from hems.balena.exported import Bucket
from hems.balena.old import Old
from hems.balena.volumes import Volumes
from hems.settings import Appliance, HomeAssistantPaths
from hems.zigbee import backups, dongle
from hems.zigbee.dongle import NoDongleError

DIRECTORY = Path("/var/lib/hems-balena")
DONE, MESSAGES = "done.json", "retained.json"
HOME_ASSISTANT, READINGS, MQTT = "home_assistant", "readings", "mqtt"
PARTS = (HOME_ASSISTANT, READINGS, MQTT)
WORK = "import of the old system"
TIMER = "hems-history.timer"
FREE = 512 * 1024 * 1024  # bytes that stay free on the box's disk
SECONDS = 3600

Say = Callable[[str], None]


class Done(msgspec.Struct, frozen=True):
    """``done.json``: which old system, and when each part of it was brought over (UTC)."""

    source: str = ""
    parts: dict[str, str] = {}


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    home_assistant: Old
    bucket: Bucket | None
    volumes: Volumes
    todo: tuple[str, ...]


def plan(volumes: Volumes, bucket: str, without: Collection[str], done: Done) -> Plan:
    """Look at the old volumes. Raises BalenaError where they can't be taken over."""
    known = old.look(volumes.home_assistant)
    if done.source not in ("", known.id):
        raise BalenaError(
            f"This box is that of another old system already: remove {DIRECTORY / DONE} when this "
            "one is to take its place."
        )
    there = {HOME_ASSISTANT: True, READINGS: volumes.readings, MQTT: volumes.mqtt}
    todo = tuple(
        name for name in PARTS if there[name] and name not in without and name not in done.parts
    )
    chosen = None
    if READINGS in todo and volumes.readings is not None:
        chosen = readings.bucket(volumes.readings, bucket)
    return Plan(known, chosen, volumes, todo)


def told(this: Plan) -> Iterator[str]:
    """Yield what would be done, a line each."""
    one, volumes = this.home_assistant, this.volumes
    if not this.todo:
        yield "Nothing is left to do: all of it is on this box already."
    if HOME_ASSISTANT in this.todo:
        yield f"Home Assistant {one.version} from {one.volume} ({_size(one.bytes)}):"
        yield f"  accounts: {', '.join(one.users)}; the passwords are the old ones"
        yield f"  {one.entities} entities and {one.devices} devices with their ids, its history"
        if one.zigbee:
            yield "  the Zigbee network: the old dongle has to be plugged in, nothing is paired"
        for entity, what in one.meters:
            yield f"  {entity} measures {what}: perhaps hems_meter_{METER[what]}"
        yield f"  {old.CONFIGURATION} becomes {old.KEPT_AS}, to be read; the box has its own"
        if one.left:
            yield f"  stays behind: {', '.join(one.left)}"
    if this.bucket and volumes.readings:
        yield f"Readings: bucket '{this.bucket.name}' of {volumes.readings} → home_assistant"
    if MQTT in this.todo and volumes.mqtt:
        yield f"MQTT: a list of what the devices said last, from {volumes.mqtt}"


METER = {what: kind for kind, what in old.METERED.items()}


def take_over(appliance: Appliance, this: Plan, say: Say) -> None:
    """Do it. Raises HemsError."""
    if READINGS in this.todo and this.volumes.readings:
        say("The old readings are looked at …")
        readings.verify(this.volumes.readings)
    _room(appliance, this)
    if HOME_ASSISTANT in this.todo:
        _home_assistant(appliance, this.home_assistant, say)
        _note(this, HOME_ASSISTANT)
    if this.bucket and this.volumes.readings:
        with _without_the_timer():
            say(readings.bring(appliance, this.volumes.readings, this.bucket, say))
        _note(this, READINGS)
    if MQTT in this.todo and this.volumes.mqtt:
        _messages(this.volumes.mqtt, say)
        _note(this, MQTT)


def done(directory: Path) -> Done:
    """Return what was brought over. Raises BalenaError."""
    try:
        return msgspec.json.decode((directory / DONE).read_bytes(), type=Done)
    except FileNotFoundError:
        return Done()
    except (OSError, msgspec.DecodeError) as error:
        raise BalenaError(
            f"{directory / DONE} can't be read ({error}): remove it, and all is brought over anew."
        ) from error


def _note(this: Plan, part: str) -> None:
    now = done(DIRECTORY)
    when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    after = Done(this.home_assistant.id, {**now.parts, part: when})
    _write(DONE, msgspec.json.format(msgspec.json.encode(after)))


def _write(name: str, text: bytes) -> None:
    try:
        DIRECTORY.mkdir(mode=0o700, exist_ok=True)
        whole_file.write(DIRECTORY / name, text + b"\n")
    except OSError as error:
        raise BalenaError(
            f"{DIRECTORY / name} can't be written ({error.strerror}): look at 'df -h', and run the "
            "import again."
        ) from error


def _room(appliance: Appliance, this: Plan) -> None:
    wanted = this.home_assistant.bytes if HOME_ASSISTANT in this.todo else 0
    if this.bucket and this.volumes.readings:
        data = this.volumes.readings / readings.ENGINE
        wanted += sum(path.lstat().st_size for path in data.rglob("*") if path.is_file())
    seen = os.statvfs(appliance.paths.secrets)  # a directory of root's on the same disk
    free = seen.f_bavail * seen.f_frsize
    if free < wanted + FREE:
        raise BalenaError(
            f"The import needs {_size(wanted + FREE)} and the box's disk has {_size(free)} free: "
            "make room there, or take a larger card."
        )


def _home_assistant(appliance: Appliance, one: Old, say: Say) -> None:
    paths = appliance.home_assistant
    path = _dongle(appliance) if one.zigbee else ""
    unable = _unable(appliance, one)
    say(f"Home Assistant's files are copied and looked at ({_size(one.bytes)}) …")
    found = _place(paths, "stage", one.id, given=one)
    if problem := found.get("problem"):
        raise BalenaError(
            f"The old Home Assistant's {problem}: copy the volume anew, or put the newest of its "
            "own backups in its place. Nothing was changed."
        )
    options = [f"--unable={name}" for name in unable]
    with lock.appliance_lock(appliance.paths.lock, WORK):
        say("Home Assistant is stopped …")
        systemd.stop(paths.unit)
        try:
            kept = _place(paths, "apply", path, *options)["kept"]
        finally:
            systemd.order_restart(paths.unit)
    if unable:
        say(f"The box can't load {', '.join(unable)}: they are switched off.")
    if found["network"]:
        file = backups.save(
            appliance.paths.zigbee_backups, found["network"], appliance.zigbee.backups
        )
        say(f"The Zigbee network's newest backup is kept as {file}.")
    say(
        f"{len(one.users)} accounts, {one.entities} entities and {found['states']} states are "
        f"over; what the box had before is in {kept}."
    )


def _dongle(appliance: Appliance) -> str:
    """Return the path of the dongle that is plugged in; empty where the site has no Zigbee."""
    if not appliance.features.zigbee:
        return ""
    wanted = appliance.zigbee.dongle
    try:
        return str(dongle.choose(dongle.plugged(wanted), wanted))
    except NoDongleError as error:
        raise BalenaError(
            "The old system has a Zigbee network, which is in its dongle, and none is plugged in: "
            "plug the old dongle into the box and run the import again."
        ) from error


def _unable(appliance: Appliance, one: Old) -> list[str]:
    """Return the old system's integrations that the box's Home Assistant can't load."""
    paths = appliance.home_assistant
    words = [str(paths.root / "current/bin/python"), "-I", able.__file__, *one.domains]
    return [str(name) for name in json.loads(_as(paths.user, words))]


def _place(
    paths: HomeAssistantPaths, work: str, *more: str, given: Old | None = None
) -> dict[str, Any]:
    """Run place.py as Home Assistant's user. Raises BalenaError."""
    words = [sys.executable, "-I", "-m", place.__name__, work, str(paths.directory), *more]
    return dict(json.loads(_as(paths.user, words, given)))


def _as(user: str, words: Sequence[str], given: Old | None = None) -> bytes:
    """Run a program with a user's rights, and return what it prints. Raises BalenaError."""
    command = ["runuser", "-u", user, "--", "timeout", str(SECONDS), *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/") as process:
        if given is not None and process.stdin is not None:
            _archive(given, process.stdin)
        out, err = process.communicate()
    if process.returncode:
        said = err.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise BalenaError(
            f"Home Assistant's files can't be taken over ({' '.join(said)}): look at 'df -h', and "
            "run the import again."
        )
    return out


def _archive(given: Old, stream: IO[bytes]) -> None:
    try:
        with suppress(BrokenPipeError):  # its reader has it already, or says what is wrong
            old.archive(given, stream)
    except OSError as error:
        raise BalenaError(
            f"{given.volume} can't be read ({error}): the old card may be worn out; copy what it "
            "still has on another machine."
        ) from error


def _messages(volume: Path, say: Say) -> None:
    found = retained.messages(volume)
    if not found:
        say("The old broker had kept no messages.")
        return
    _write(MESSAGES, json.dumps(found, indent=2, ensure_ascii=False).encode())
    say(
        f"The old broker had kept {len(found)} messages ({DIRECTORY / MESSAGES}): each device "
        "that sent them needs an account here (docs/mosquitto.md)."
    )


@contextmanager
def _without_the_timer() -> Iterator[None]:
    systemd.stop(TIMER)
    systemd.stop(TIMER.replace(".timer", ".service"))
    try:
        yield
    finally:
        systemd.order_restart(TIMER)


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"
