"""The old Home Assistant's files come to the box's, and nothing of either is lost."""

from __future__ import annotations

import io
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hems.balena import BalenaError, old, place

from tests.unit import balena_volumes
from tests.unit.balena_volumes import document

DONGLE = "/dev/serial/by-id/usb-ITEAD_SONOFF_Zigbee_3.0_USB_Dongle_Plus_V2_1-if00"


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """The old volume."""
    return balena_volumes.make(tmp_path)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """The box's files."""
    return balena_volumes.box(tmp_path)


def stage(top: Path, volume: Path) -> dict[str, Any]:
    """Stage the old files."""
    found, out = old.look(volume), io.BytesIO()
    old.archive(found, out)
    out.seek(0)
    return place.stage(top, found.id, out)


def states(directory: Path) -> int:
    """Return how many states a recorder has."""
    with closing(sqlite3.connect(directory / old.RECORDER)) as database:
        return int(database.execute("SELECT count(*) FROM states").fetchone()[0])


def test_it_is_looked_at(volume: Path) -> None:
    found = old.look(volume)
    assert found.version == "2025.3.4"
    assert found.users == ("guest", "oldowner")
    assert ("sensor.frient_energy", "kWh in total") in found.meters
    assert found.zigbee and found.left == ("custom_components",)
    assert found.id == document(volume, "core.uuid")["data"]["uuid"]


def test_all_of_it_comes_over_and_what_was_there_is_kept(volume: Path, top: Path) -> None:
    before = states(volume)
    staged = stage(top, volume)
    assert staged["states"] == before > 0
    assert staged["network"]["network_info"]["channel"] == 15
    assert (top / "automations.yaml").read_text() == "[]\n", "nothing is in its place yet"
    place.apply(top, DONGLE)
    kept = top / place.BEFORE
    assert states(top) == before
    for name in ("home-assistant_v2.db", "home-assistant_v2.db-wal", ".storage"):
        assert (kept / name).exists(), name
    assert not (top / "home-assistant_v2.db-wal").exists(), "the old log would spoil the new file"
    assert (top / "configuration.yaml").read_text() == "# the box's\n"
    assert "trusted_proxies" in (top / old.KEPT_AS).read_text()
    assert (top / "packages/hems/hems.yaml").exists() and not (top / "custom_components").exists()
    assert (top / "template_sensors/energy.yaml").read_text()
    assert not (top / place.STAGED).exists()
    registry = "core.entity_registry"
    assert document(top, registry) == document(volume, registry)
    users = {one["id"]: one for one in document(top, "auth")["data"]["users"]}
    assert users["b1"]["name"] == balena_volumes.BOX_OWNER and not users["b1"]["is_owner"]
    assert {one["id"] for one in document(volume, "auth")["data"]["users"]} <= users.keys()
    assert "t1" in {one["id"] for one in document(top, "auth")["data"]["refresh_tokens"]}
    assert document(top, "http")["version"] == 2, "the box listens as before"
    assert document(top, "hems.house")["data"] == {"wh": 5}
    [zha] = [
        one
        for one in document(top, "core.config_entries")["data"]["entries"]
        if one["domain"] == "zha"
    ]
    assert zha["data"]["device"]["path"] == DONGLE


def test_only_its_user_reads_what_is_secret(volume: Path, top: Path) -> None:
    stage(top, volume)
    place.apply(top, "")
    assert (top / ".storage/auth").stat().st_mode & 0o777 == 0o600
    assert (top / old.RECORDER).stat().st_mode & 0o777 == 0o640, "the history's user reads it"


@pytest.mark.parametrize("moves", range(11))
def test_one_that_is_broken_off_is_finished_by_the_next(
    volume: Path, top: Path, moves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = states(volume)
    stage(top, volume)
    done, rename = [0], os.rename

    def cut(path: Path, target: Path) -> None:
        if done[0] == moves:
            raise RuntimeError("the power is gone")
        done[0] += 1
        rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", cut)
        with pytest.raises(RuntimeError, match="the power is gone"):
            place.apply(top, DONGLE)
    # Home Assistant was started meanwhile, and made files of its own.
    (top / ".storage").mkdir(exist_ok=True)
    stage(top, volume)
    place.apply(top, DONGLE)
    assert states(top) == before
    assert {one["username"] for one in _passwords(top)} == {"oldowner", "guest", "box"}
    kept = [path for path in (top / place.BEFORE).rglob("auth") if path.is_file()]
    assert [json.loads(path.read_text())["data"]["users"][0]["id"] for path in kept] == ["b1"]
    assert (top / place.BEFORE / old.RECORDER).read_bytes() == b"the box's"


def _passwords(top: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = document(top, "auth_provider.homeassistant")["data"]["users"]
    return found


def test_what_is_in_a_databases_log_comes_over(volume: Path, top: Path) -> None:
    before = states(volume)
    with closing(sqlite3.connect(volume / old.RECORDER)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("INSERT INTO states (state) VALUES ('in the log')")
        database.commit()
        # The plug is pulled now: the log stays.
        log = (volume / f"{old.RECORDER}-wal").read_bytes()
        content = (volume / old.RECORDER).read_bytes()
    (volume / old.RECORDER).write_bytes(content)
    (volume / f"{old.RECORDER}-wal").write_bytes(log)
    assert log and stage(top, volume)["states"] == before + 1
    place.apply(top, "")
    assert states(top) == before + 1


def test_a_damaged_database_is_refused_and_nothing_is_changed(volume: Path, top: Path) -> None:
    content = bytearray((volume / old.RECORDER).read_bytes())
    content[4096:12288] = os.urandom(8192)
    (volume / old.RECORDER).write_bytes(content)
    before = sorted(path.name for path in top.iterdir())
    assert stage(top, volume)["problem"].startswith("home-assistant_v2.db is damaged (")
    assert sorted(path.name for path in top.iterdir()) == before


@pytest.mark.parametrize("name", old.NEEDED)
def test_a_storage_file_that_is_gone_or_broken_is_refused(volume: Path, name: str) -> None:
    path = volume / ".storage" / name
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    with pytest.raises(BalenaError, match=r"is damaged \(.+\): copy the volume anew"):
        old.look(volume)
    path.unlink()
    with pytest.raises(BalenaError, match=r"is missing in .+: copy the whole volume"):
        old.look(volume)


@pytest.mark.parametrize("name", old.DATABASES)
def test_a_volume_without_a_database_is_refused(volume: Path, name: str) -> None:
    (volume / name).unlink()
    with pytest.raises(BalenaError, match=f"The old system's {name} is missing"):
        old.look(volume)


def test_no_link_is_followed(volume: Path, top: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the box")
    (volume / "link").symlink_to(tmp_path / "secret")
    stage(top, volume)
    place.apply(top, "")
    assert not os.path.lexists(top / "link")
