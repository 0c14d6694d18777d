"""Backups of the dongle's network are root's alone, whole, and only so many; info shows no key."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hems import HemsError, whole_file
from hems.cli.zigbee import devices as devices_command
from hems.settings import Appliance, HomeAssistantPaths, parse
from hems.zigbee import backups, care
from hems.zigbee.entry import Entry, move, stored_device
from hems.zigbee.network_summary import lines, of_backup, of_settings

from tests.unit.appliance_settings import settled_in

KEY = "27c179678987 02a7652dd65eca85a594".replace(" ", "")
OPEN: dict[str, Any] = {
    "metadata": {
        "format": "zigpy/open-coordinator-backup",
        "internal": {
            "node": {"manufacturer": "ITEAD", "model": "Dongle Plus V2", "version": "7.4"}
        },
    },
    "coordinator_ieee": "00124b002a000001",
    "pan_id": "341d",
    "extended_pan_id": "da9d3be794a61b1e",
    "channel": 15,
    "network_key": {"key": KEY, "frame_counter": 5003},
}
SETTINGS = {
    "device": {"path": "/dev/dongle"},
    "settings": {
        "network_info": {
            "extended_pan_id": "da:9d:3b:e7:94:a6:1b:1e",
            "pan_id": "341D",
            "channel": 15,
            "network_key": {"key": KEY, "tx_counter": 5003},
        },
        "node_info": {
            "ieee": "00:12:4b:00:2a:00:00:01",
            "manufacturer": "ITEAD",
            "model": "Dongle Plus V2",
            "version": "7.4",
        },
    },
}


def test_a_backup_is_roots_alone(tmp_path: Path) -> None:
    path = backups.save(tmp_path / "made", OPEN, keep=3)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == OPEN
    assert backups.load(path) == OPEN


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for day in (1, 2, 3, 4):
        (tmp_path / f"2026010{day}T000000Z.json").write_text("{}")
    path = backups.save(tmp_path, OPEN, keep=3)
    assert [kept.name for kept in backups.kept(tmp_path)] == [
        "20260103T000000Z.json",
        "20260104T000000Z.json",
        path.name,
    ]


def test_two_in_one_second_are_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.0, 1.0])
    real = time.gmtime
    monkeypatch.setattr(time, "gmtime", lambda: real(next(times)))
    first, second = (backups.save(tmp_path, OPEN, keep=9) for _ in range(2))
    assert first != second


def test_those_of_an_older_release_are_fetched_once(tmp_path: Path) -> None:
    old, new = tmp_path / "state" / backups.BEFORE, tmp_path / "new"
    assert backups.fetch(tmp_path / "state", new) == []
    old.mkdir(parents=True)
    new.mkdir()
    (old / "20260101T000000Z.json").write_text(json.dumps(OPEN))
    (fetched,) = backups.fetch(tmp_path / "state", new)
    assert backups.load(fetched) == OPEN
    assert (backups.kept(new), os.listdir(old)) == ([fetched], [])
    assert backups.fetch(tmp_path / "state", new) == []


def test_no_link_is_followed_when_they_are_fetched(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "20260101T000000Z.json").write_text(json.dumps(OPEN))
    (tmp_path / backups.BEFORE).symlink_to(elsewhere)
    assert backups.fetch(tmp_path, tmp_path) == []
    (tmp_path / backups.BEFORE).unlink()
    (tmp_path / backups.BEFORE).mkdir()
    (tmp_path / backups.BEFORE / "link.json").symlink_to(elsewhere / "20260101T000000Z.json")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        backups.fetch(tmp_path, tmp_path)
    assert len(os.listdir(elsewhere)) == 1


@pytest.mark.parametrize("text", ["hostname", "[]", '{"a": 1}', ""])
def test_what_is_no_backup_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    with pytest.raises(HemsError, match="is not a backup of a Zigbee network"):
        backups.load(file)
    with pytest.raises(HemsError, match="can't be read"):
        backups.load(tmp_path / "missing")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    whole_file.write(file, "old", mode=0o640)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        whole_file.write(file, "new", mode=0o640)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_same_is_shown_of_both_sources_and_no_key() -> None:
    shown = list(lines(of_settings(SETTINGS)))
    assert shown == list(lines(of_backup("/dev/dongle", OPEN)))
    assert "Address     00:12:4b:00:2a:00:00:01" in shown
    assert KEY not in "\n".join(shown)


def test_devices_are_shown_whoever_tells_them() -> None:
    told = [
        {"nwk": 0, "manufacturer": "ITEAD", "model": "Dongle", "ieee": "00", "last_seen": None},
        {
            "nwk": 7,
            "manufacturer": "frient A/S",
            "model": "EMIZB-141",
            "name": "frient A/S EMIZB-141",
            "user_given_name": "meter",
            "ieee": "01",
            "last_seen": "2026-11-22T09:23:20",
            "available": True,
        },
        {
            "nwk": 8,
            "manufacturer": "BITUO TECHNIK",
            "model": "SPM01X",
            "ieee": "02",
            "last_seen": 1795339170.6,
        },
    ]
    assert list(devices_command.rows(told)) == [
        ("meter", "frient A/S EMIZB-141", "01", "2026-11-22 09:23:20", "available"),
        ("BITUO TECHNIK SPM01X", "BITUO TECHNIK SPM01X", "02", "2026-11-22 09:19:30", ""),
    ]


def storage(directory: Path, *entries: dict[str, Any]) -> Path:
    (directory / ".storage").mkdir()
    file = directory / ".storage/core.config_entries"
    file.write_text(json.dumps({"version": 1, "data": {"entries": list(entries)}}))
    file.chmod(0o600)
    return file


def paths(directory: Path) -> HomeAssistantPaths:
    return parse(settled_in(directory), Appliance, "hems.toml").home_assistant


def test_an_entry_is_moved_and_nothing_else_changes(tmp_path: Path) -> None:
    other = {"domain": "mqtt", "data": {"password": "p"}}
    ignored = {"domain": "zha", "source": "ignore", "data": {}}
    own = {"domain": "zha", "source": "user", "data": {"device": {"path": "/dev/a"}, "radio": "x"}}
    file = storage(tmp_path, other, ignored, own)
    assert stored_device(paths(tmp_path)) == "/dev/a"
    file.chmod(0o644)  # as Home Assistant writes it
    new = {"path": "/dev/b", "baudrate": 115200, "flow_control": None}
    move(paths(tmp_path), new)
    assert json.loads(file.read_text())["data"]["entries"] == [
        other,
        ignored,
        {**own, "data": {"device": new, "radio": "x"}},
    ]
    assert file.stat().st_mode & 0o777 == 0o644
    before = file.stat().st_ino
    move(paths(tmp_path), new)
    assert file.stat().st_ino == before, "written without need"


def test_without_an_entry_there_is_nothing_to_move(tmp_path: Path) -> None:
    storage(tmp_path)
    assert stored_device(paths(tmp_path)) is None
    with pytest.raises(HemsError, match="There is no ZHA entry"):
        move(paths(tmp_path), {"path": "/dev/b"})


@pytest.fixture
def box(tmp_path: Path) -> Appliance:
    return parse(settled_in(tmp_path), Appliance, "hems.toml")


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch, entry: Entry | None) -> Iterator[None]:
    monkeypatch.setattr(care, "runs", lambda _appliance: True)
    monkeypatch.setattr(care, "access_of", lambda _appliance: None)
    monkeypatch.setattr(care.entries, "find", lambda _access: entry)
    yield


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (None, "has no Zigbee dongle yet"),
        (Entry("e", "setup_retry", "no such file"), r"\(setup_retry \(no such file\)\)"),
    ],
)
def test_zigbee_that_does_not_run_is_said(
    box: Appliance, monkeypatch: pytest.MonkeyPatch, entry: Entry | None, said: str
) -> None:
    with running(monkeypatch, entry), pytest.raises(HemsError, match=said):
        care.backup(box)


def test_a_network_that_was_read_in_part_is_no_backup(
    box: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care, "runs", lambda _appliance: True)
    monkeypatch.setattr(care, "ask", lambda *_: {"is_complete": False, "backup": {}})
    with pytest.raises(HemsError, match="could not read all"):
        care.backup(box)
    assert backups.kept(box.paths.zigbee_backups) == []
