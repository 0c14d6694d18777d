"""What the old Home Assistant's volume has, and what of it comes over.

Root reads the volume, which belongs to no service of the box, and follows no link in it.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any

from hems.balena import BalenaError, accounts
from hems.balena.accounts import Document

STORAGE = ".storage"
DATABASES = ("home-assistant_v2.db", "zigbee.db")
RECORDER, ZIGBEE = DATABASES
AUTH, PASSWORDS, ENTRIES = "auth", "auth_provider.homeassistant", "core.config_entries"
ENTITIES, DEVICES, ID = "core.entity_registry", "core.device_registry", "core.uuid"
NEEDED = (AUTH, PASSWORDS, ENTRIES, ENTITIES, DEVICES)
KNOWN = 1  # the format's main version that each of these has had since they exist
METERED = {"energy": "kWh in total", "power": "W"}

# By the playbook on the box, and kept under another name for its reader.
CONFIGURATION, KEPT_AS = "configuration.yaml", "configuration.yaml.balena"
# What the box has of its own, or makes again.
LEFT = (
    "custom_components", "packages", "backups", "deps", "tts", "home-assistant.log*", "*.log",
    ".ha_run.lock", ".HA_VERSION", "*.db-shm", "__pycache__", ".cache", ".hems-*", "lost+found",
)  # fmt: skip
TOLD = ("custom_components", "packages", "backups")  # that a person may miss


@dataclass(frozen=True)
class Old:
    """The old Home Assistant."""

    volume: Path
    id: str
    version: str
    users: tuple[str, ...]  # log-in names
    entities: int
    devices: int
    meters: tuple[tuple[str, str], ...]  # entity, and what it measures
    bytes: int
    left: tuple[str, ...]  # what does not come over, and somebody may miss
    zigbee: bool
    domains: tuple[str, ...]  # of its connections

    def names(self) -> Iterator[Path]:
        """Yield what comes over, directories before what is in them."""
        return _below(self.volume, self.volume)


def look(volume: Path) -> Old:
    """Return what a volume has. Raises BalenaError where it is damaged or not whole."""
    documents = {name: _document(volume, name) for name in NEEDED}
    entries = documents[ENTRIES]["data"]["entries"]
    zigbee = any(one["domain"] == accounts.ZIGBEE and one["source"] != "ignore" for one in entries)
    for name in (RECORDER, *([ZIGBEE] if zigbee else [])):
        if not _is_file(volume / name):
            raise BalenaError(
                f"The old system's {name} is missing in {volume}: copy the whole volume anew, with "
                "the files whose names begin with a dot."
            )
    users = tuple(sorted(accounts.names(documents[AUTH]).values()))
    if not users:
        raise BalenaError(
            f"Nobody has an account in {volume}/{STORAGE}/{AUTH}: it is no Home Assistant that was "
            "ever set up; look for another volume."
        )
    entities = [one for one in documents[ENTITIES]["data"]["entities"] if not one["disabled_by"]]
    known = _optional(volume / STORAGE / ID)
    owners = "".join(sorted(one["id"] for one in documents[AUTH]["data"]["users"]))
    return Old(
        volume,
        str(known["data"]["uuid"]) if known else hashlib.sha256(owners.encode()).hexdigest(),
        _text(volume / ".HA_VERSION") or "unknown",
        users,
        len(documents[ENTITIES]["data"]["entities"]),
        len(documents[DEVICES]["data"]["devices"]),
        tuple(_meters(entities)),
        sum(path.lstat().st_size for path in _below(volume, volume)),
        tuple(sorted(path.name for path in volume.iterdir() if path.name in TOLD)),
        zigbee,
        tuple(sorted({one["domain"] for one in entries})),
    )


def archive(old: Old, out: IO[bytes]) -> None:
    """Write what comes over as a tar archive."""
    with tarfile.open(fileobj=out, mode="w|") as tar:
        for path in old.names():
            name = str(path.relative_to(old.volume))
            tar.add(path, KEPT_AS if name == CONFIGURATION else name, recursive=False)


def _below(top: Path, directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if any(fnmatch(path.name, pattern) for pattern in LEFT):
            continue
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            continue
        yield path
        if path.is_dir():
            yield from _below(top, path)


def _meters(entities: list[Document]) -> Iterator[tuple[str, str]]:
    for one in entities:
        kind = str(one.get("device_class") or one.get("original_device_class") or "")
        if kind in METERED and one["entity_id"].startswith("sensor."):
            yield one["entity_id"], METERED[kind]


def _document(volume: Path, name: str) -> Document:
    path = volume / STORAGE / name
    try:
        found: Any = json.loads(path.read_bytes()) if _is_file(path) else None
        if found is None:
            raise BalenaError(
                f"The old system's {STORAGE}/{name} is missing in {volume}: copy the whole volume "
                "anew, with the files whose names begin with a dot."
            )
        if (found["key"], found["version"]) != (name, KNOWN) or not isinstance(found["data"], dict):
            raise ValueError(f"its format is {found['key']} {found['version']}")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BalenaError(
            f"The old system's {path} is damaged ({error}): copy the volume anew, or put one of "
            "the old Home Assistant's own backups in its place."
        ) from error
    return dict(found)


def _optional(path: Path) -> Document | None:
    text = _text(path)
    try:
        return dict(json.loads(text)) if text else None
    except ValueError:
        return None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() if _is_file(path) else ""


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
