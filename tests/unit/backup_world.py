"""A box with one part, an InfluxDB and a destination in memory, for tests of its backups."""

from __future__ import annotations

import getpass
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hems.backup import BackupError, RefusedError, gather, run, status
from hems.backup.backup_settings import Backup, Influxdb, Keep, Part
from hems.backup.core import Copy, Snapshot
from hems.backup.influx import Figures

ME = getpass.getuser()


@dataclass
class FakeInflux:
    """An InfluxDB that gives one file, or an error."""

    problem: str = ""
    unproven: bool = False  # no copy was whole

    def back_up(self, directory: Path) -> Figures | None:
        """Write the copy."""
        directory.mkdir()
        (directory / "1.tar").write_text("points")
        if self.problem:
            raise BackupError(self.problem)
        return None if self.unproven else Figures(1, {"W count_value": 3})


@dataclass
class FakeRestic:
    """A destination in memory."""

    here: str = ""
    stored: dict[str, dict[str, bytes]] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)
    did: list[str] = field(default_factory=list)
    refused: str = ""  # why it removes nothing
    spoil: str = ""  # a file that the destination does not keep as it was

    def id(self) -> str:
        return self.here

    def begin(self) -> None:
        self.here = "repository-1"

    def add(self, directory: Path, host: str, made: datetime) -> str:
        name = f"{len(self.stored):064x}"
        self.stored[name] = {
            str(path.relative_to(directory)): path.read_bytes()
            for path in directory.rglob("*")
            if path.is_file()
        }
        self.times[name] = made
        self.did.append(f"add {host}")
        return name

    def snapshots(self, _host: str) -> list[Snapshot]:
        return [Snapshot(name, self.times[name], 1) for name in self.stored]

    def check(self) -> None:
        self.did.append("check")

    def unlock(self) -> None:
        self.did.append("unlock")

    def forget(self, host: str) -> None:
        self.did.append(f"forget {host}")
        if self.refused:
            raise RefusedError(self.refused)

    def fetch(self, snapshot: str, directory: Path, to: Path, names: list[str]) -> None:
        assert directory == run.STAGING
        for name in names:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            content = self.stored[snapshot][name]
            (to / name).write_bytes(b"spoilt" if name == self.spoil else content)

    def text(self, snapshot: str, path: Path) -> bytes:
        return self.stored[snapshot][path.name]

    def copies(self, snapshot: str, directory: Path) -> dict[str, Copy]:
        assert directory == run.STAGING
        found = gather.copies(directory) if directory.exists() else {}
        for name, content in self.stored[snapshot].items():
            digest = hashlib.sha256(b"spoilt" if name == self.spoil else content).hexdigest()
            found[name] = Copy(len(content), digest)
        return found


@dataclass
class World:
    """A box with one part, and what it talks to."""

    top: Path
    settings: Backup
    restic: FakeRestic = field(default_factory=FakeRestic)
    influx: FakeInflux = field(default_factory=FakeInflux)

    @property
    def state(self) -> Path:
        return self.top / "state"

    @property
    def this(self) -> Any:
        site = SimpleNamespace(name="A house", hostname="hems-a")
        paths = SimpleNamespace(lock=self.top / "hems.lock")
        return SimpleNamespace(
            appliance=SimpleNamespace(site=site, paths=paths),
            backup=self.settings,
            restic=self.restic,
            influx=self.influx,
        )

    def once(self) -> None:
        """Make a backup."""
        run.once(self.this, self.state)


def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return one whose destination is a rest-server."""
    for name in ("state", "part", "influxdb"):
        (tmp_path / name).mkdir()
    (tmp_path / "part/a").write_text("content")
    monkeypatch.setattr(run, "STAGING", tmp_path / "state/staging")
    monkeypatch.setattr(status, "DIRECTORY", tmp_path / "state")
    monkeypatch.setattr(run, "free", lambda _place: 10**12)
    status.write(status.Status(begun="2026-01-01T00:00:00Z"), tmp_path / "state")
    settings = Backup(
        repository="rest:http://nas/",
        account="",
        append_only=False,
        ssh_key="",
        known_hosts="",
        parts=(Part("part", ME, tmp_path / "part"),),
        influxdb=Influxdb(1, ME, tmp_path / "influxdb", "hems", "home_assistant"),
        keep=Keep(7, 5, 12, 90),
    )
    return World(tmp_path, settings)
