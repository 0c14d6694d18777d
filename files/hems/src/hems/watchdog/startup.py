"""What the watchdog starts with: settings and credentials, as far as they are there.

Nothing that is missing or broken here may keep it from looking after the box. Of a settings file
that can't be used, the last content that could be used counts; a credential that is missing makes
it look from outside only.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hems import HemsError, services, whole_file
from hems.health.judge import NO_CREDENTIAL, Blind
from hems.process import Surroundings
from hems.services import Entry, Found
from hems.settings import APPLIANCE_FILE, Appliance, SettingsError, Table, parse, read
from hems.watchdog.watchdog_settings import FILE, Watchdog
from hems.watchdog.watched import Secrets

ENTRIES = services.DIRECTORY.name
CREDENTIALS = ("mqtt_hems", "influxdb_token_hems", "home_assistant_token")
KINDS: dict[str, type[Table]] = {APPLIANCE_FILE: Appliance, FILE: Watchdog}

S = TypeVar("S", bound=Table)


@dataclass(frozen=True)
class Start:
    """The settings to run with."""

    appliance: Appliance
    options: Watchdog
    entries: Mapping[str, Entry]  # the services, by name
    kept: bool  # whether one of them is an earlier content of its file


def load(directory: Path, kept: Path) -> Start:
    """Return the settings in ``directory``; of a file that can't be used, the copy in ``kept``.

    What could be used is copied there. Raises SettingsError when there is no such copy either.
    """
    appliance, first = _load(directory / APPLIANCE_FILE, kept / APPLIANCE_FILE, Appliance)
    options, second = _load(directory / FILE, kept / FILE, Watchdog)
    found = entries(directory, kept)
    with suppress(OSError, UnicodeDecodeError):  # a full disk must not stop the healing
        keep_entries(directory, kept)
    return Start(appliance, options, found.entries, first or second)


def entries(directory: Path, kept: Path) -> Found:
    """Return the services' entries; of a file that can't be used, the copy in ``kept``."""
    found, problems = {}, []
    for name in services.names(directory / ENTRIES):
        file = f"{ENTRIES}/{name}{services.SUFFIX}"
        try:
            found[name] = services.read_entry(directory / file)
        except SettingsError as error:
            problems.append(str(error))
            with suppress(SettingsError):
                found[name] = services.read_entry(kept / file)
    settled = services.settle(found, directory / ENTRIES)
    return Found(settled.entries, (*problems, *settled.problems))


def keep_entries(directory: Path, kept: Path) -> None:
    """Copy the entries that can be used; a service that is gone has no copy either.

    Raises OSError.
    """
    names, copies = services.names(directory / ENTRIES), kept / ENTRIES
    for name in set(services.names(copies)) - set(names):
        (copies / f"{name}{services.SUFFIX}").unlink()
    for name in names:
        path = directory / ENTRIES / f"{name}{services.SUFFIX}"
        with suppress(SettingsError):
            services.read_entry(path)
            _copy(path.read_text(encoding="utf-8"), copies / path.name)


def _load(path: Path, copy: Path, kind: type[S]) -> tuple[S, bool]:
    """Return the settings, and whether they are the copy's."""
    try:
        found = read(path, kind)
    except SettingsError as error:
        try:
            return read(copy, kind), True
        except SettingsError:
            raise error from None
    with suppress(OSError, UnicodeDecodeError):  # a full disk must not stop the healing
        _keep(path, copy, kind)
    return found, False


def _keep(path: Path, copy: Path, kind: type[Table]) -> None:
    text = path.read_text(encoding="utf-8")
    with suppress(SettingsError):  # it was changed this very moment
        parse(text, kind, str(path))
        _copy(text, copy)


def _copy(text: str, copy: Path) -> None:
    if copy.exists() and copy.read_text(encoding="utf-8", errors="replace") == text:
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write(copy, text, mode=0o644)


def problems(directory: Path) -> tuple[str, ...]:
    """Return why settings files in ``directory`` can't be used, a sentence each."""
    found = []
    for name, kind in KINDS.items():
        try:
            read(directory / name, kind)
        except SettingsError as error:
            found.append(str(error))
    return tuple(found)


def read_secrets(around: Surroundings) -> Secrets:
    """Return what systemd's LoadCredential= gave; one that is missing or unreadable is empty."""
    return Secrets(*(_credential(around, name) for name in CREDENTIALS))


def lacking(secrets: Secrets) -> list[Blind]:
    """Return the services that can't be looked into for want of a credential."""
    wanted = {"the MQTT broker": secrets.mqtt, "InfluxDB": secrets.influxdb}
    return [Blind(name, NO_CREDENTIAL) for name, secret in wanted.items() if not secret]


def _credential(around: Surroundings, name: str) -> str:
    with suppress(HemsError):
        return around.credential(name)
    return ""
