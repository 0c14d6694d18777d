"""Where the old volumes are: in a directory, or on the old system's card."""

from __future__ import annotations

import json
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hems.balena import BalenaError

HOME_ASSISTANT, READINGS, MQTT = "hass-config", "influxdb-data", "mosquitto"
# A copy of the volumes; balenaOS' data partition, or a copy of it; Docker's own directory.
PLACES = ("", "docker/volumes", "volumes")
PARTITION = "resin-data"  # the label that balenaOS gives its data partition
OPTIONS = "ro,noload,nosuid,nodev,noexec"  # noload: not even the journal is played back


@dataclass(frozen=True)
class Volumes:
    """The old volumes; None: not there."""

    home_assistant: Path
    readings: Path | None
    mqtt: Path | None


@contextmanager
def opened(source: Path) -> Iterator[Volumes]:
    """Find the volumes in a directory or on a card (a block device). Raises BalenaError."""
    try:
        is_card = stat.S_ISBLK(source.stat().st_mode)
    except OSError as error:
        raise BalenaError(
            f"{source} can't be read ({error.strerror}): plug the old card in and name it, such as "
            "/dev/sda, or name the directory that has its volumes."
        ) from error
    if not is_card:
        yield find(source)
        return
    with tempfile.TemporaryDirectory(prefix="hems-balena.") as place:
        _run(["mount", "-t", "ext4", "-o", OPTIONS, partition(source), place])
        try:
            yield find(Path(place))
        finally:
            _run(["umount", place])


def find(top: Path) -> Volumes:
    """Return the volumes below a directory. Raises BalenaError."""
    found = {name: _one(top, name) for name in (HOME_ASSISTANT, READINGS, MQTT)}
    configuration = found[HOME_ASSISTANT]
    if configuration is None:
        raise BalenaError(
            f"There is no volume {HOME_ASSISTANT} in {top}: name the directory that has the old "
            "volumes, which is docker/volumes on the old card's data partition."
        )
    return Volumes(configuration, found[READINGS], found[MQTT])


def _one(top: Path, name: str) -> Path | None:
    # Balena puts the number of its application before the name; Docker has the files in _data.
    places = [path for place in PLACES for path in (top / place).glob(f"*{name}") if path.is_dir()]
    fitting = {path for path in places if path.name == name or path.name.endswith(f"_{name}")}
    filled = sorted(
        content
        for path in fitting
        if any((content := path / "_data" if (path / "_data").is_dir() else path).iterdir())
    )
    if len(filled) > 1:
        raise BalenaError(
            f"There are several volumes {name} ({filled[0]}, {filled[1]}): copy those of one "
            "application into a directory and name that."
        )
    return filled[0] if filled else None


def partition(card: Path) -> str:
    """Return the device of the old card's data partition. Raises BalenaError."""
    listed = json.loads(_run(["lsblk", "--json", "--output", "PATH,LABEL", str(card)]))
    found = [path for path, label in _devices(listed["blockdevices"]) if label == PARTITION]
    if len(found) != 1:
        raise BalenaError(
            f"{card} is no card of the old system: it has no partition '{PARTITION}'. "
            "'lsblk -f' lists what is plugged in."
        )
    return found[0]


def _devices(listed: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for one in listed:
        yield one["path"], one["label"] or ""
        yield from _devices(one.get("children", []))


def _run(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BalenaError(
            f"'{' '.join(words)}' failed ({done.stderr.strip()}): copy the old volumes into a "
            "directory on another machine, and name that."
        )
    return done.stdout
