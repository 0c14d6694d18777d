"""The old system's volumes: files as Home Assistant 2025.3 wrote them (tests/balena)."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.unit.modules import ROOT

WRITTEN = ROOT / "tests/balena/hass-config"
BOX_OWNER = "the box's owner"


def make(top: Path) -> Path:
    """Make the old Home Assistant's volume below a directory, and return it."""
    volume = top / "1234567_hass-config" / "_data"
    shutil.copytree(WRITTEN, volume)
    for dump in volume.glob("*.db.sql"):
        with closing(sqlite3.connect(dump.with_suffix(""))) as database:
            database.executescript(dump.read_text(encoding="utf-8"))
        dump.unlink()
    return volume


def document(directory: Path, name: str) -> dict[str, Any]:
    """Return one of a directory's storage files."""
    found: dict[str, Any] = json.loads((directory / ".storage" / name).read_text())
    return found


def store(directory: Path, name: str, data: dict[str, Any], version: int = 1) -> None:
    """Write one of a directory's storage files."""
    (directory / ".storage").mkdir(exist_ok=True)
    text = json.dumps({"version": version, "minor_version": 1, "key": name, "data": data})
    (directory / ".storage" / name).write_text(text)


def box(top: Path) -> Path:
    """Make the box's own Home Assistant below a directory, and return its files' directory."""
    directory = top / "home-assistant"
    (directory / "packages/hems").mkdir(parents=True)
    (directory / "configuration.yaml").write_text("# the box's\n")
    (directory / "automations.yaml").write_text("[]\n")
    (directory / "packages/hems/hems.yaml").write_text("{}\n")
    (directory / "home-assistant_v2.db").write_bytes(b"the box's")
    (directory / "home-assistant_v2.db-wal").write_bytes(b"the box's log")
    owner = {"id": "b1", "name": BOX_OWNER, "is_owner": True, "system_generated": False}
    credentials = {
        "id": "c1",
        "user_id": "b1",
        "auth_provider_type": "homeassistant",
        "data": {"username": "box"},
    }
    token = {"id": "t1", "user_id": "b1", "credential_id": "c1", "token": "the box's"}
    store(
        directory,
        "auth",
        {"users": [owner], "credentials": [credentials], "refresh_tokens": [token]},
    )
    store(
        directory,
        "auth_provider.homeassistant",
        {"users": [{"username": "box", "password": "the box's"}]},
    )
    store(directory, "core.config_entries", {"entries": []})
    store(directory, "http", {"stable": {"server_host": ["127.0.0.1"]}}, version=2)
    store(directory, "hems.house", {"wh": 5})
    return directory
