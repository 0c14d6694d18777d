"""The daemon's loop goes on whatever does not answer: once, a missing service ended it."""

from __future__ import annotations

import dataclasses
import json
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hems.health import store
from hems.health.inside import Inside
from hems.lock import LockedError, appliance_lock
from hems.settings import Appliance, parse
from hems.systemd import SystemdError, Unit
from hems.watchdog import daemon as module
from hems.watchdog import ladder, memory, network_manager, observe, startup, watched
from hems.watchdog.act import Actor, Orders
from hems.watchdog.aftermath import Aftermath, again
from hems.watchdog.core import Action, Observation, ProbeResult
from hems.watchdog.daemon import Daemon
from hems.watchdog.startup import Start
from hems.watchdog.watchdog_settings import Watchdog
from hems.watchdog.watched import Secrets

from tests.unit.appliance_settings import settled_in
from tests.unit.service_entries import entries
from tests.unit.watchdog_settings import TEXT


def silent_systemd(_: Any) -> list[Observation]:
    raise SystemdError("systemd can't be asked: no such bus.")


def missing_units(services: Any) -> list[Observation]:
    look = ProbeResult(False, "is not asked, as its unit is down")
    absent = Unit("", "not-found", "inactive", "dead", "success", 0, "")
    return [Observation(dataclasses.replace(absent, name=one.unit), look, 1) for one in services]


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """A daemon on a box where nothing answers at all."""
    text = settled_in(tmp_path).replace(f'state = "{tmp_path}"', f'state = "{tmp_path}/s"')
    (tmp_path / "s").mkdir()
    monkeypatch.setattr(observe, "reachable", lambda _: False)
    monkeypatch.setattr(observe, "is_locked", lambda _: False)
    monkeypatch.setattr(observe, "hotspot", lambda: "")
    monkeypatch.setattr(network_manager, "available", lambda: False)
    monkeypatch.setattr(module, "tell", lambda *_: ProbeResult(False, "does not answer"))
    monkeypatch.setattr(watched, "tell", lambda *_: ProbeResult(False, "does not answer"))
    options = parse(TEXT.replace("hold_scale = 1", "hold_scale = 0"), Watchdog, "watchdog.toml")
    monkeypatch.setattr(startup, "problems", lambda _: ())
    start = Start(parse(text, Appliance, "hems.toml"), options, entries(), kept=False)
    return Daemon(start, Secrets("a", "b", "c"), tmp_path)


def answering(*silent: str) -> Any:
    """Every unit is up for long; those that are named here are silent."""

    def observations(services: Any) -> list[Observation]:
        up = Unit("", "loaded", "active", "running", "success", 0, "enabled")
        return [
            Observation(
                dataclasses.replace(up, name=one.unit),
                ProbeResult(one.kind.code not in silent, "seen"),
                1,
            )
            for one in services
        ]

    return observations


def test_no_reboot_while_a_guest_is_in_the_hotspot(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[str] = []
    orders_given = Orders(reboot=lambda: orders.append("reboot"))
    monkeypatch.setattr(daemon, "_actor", Actor(tmp_path / "s", False, orders_given))
    monkeypatch.setattr(observe, "observations", answering())
    monkeypatch.setattr(observe, "hotspot", lambda: "u-1")
    gone = time.monotonic() - 1801.0
    daemon._rungs = ladder.Rungs(gone_since=gone)
    daemon.look()
    assert (orders, daemon._rungs.gone_since) == ([], gone)


@pytest.mark.parametrize("taken", ["", "in the round", "at the reboot"])
def test_no_reboot_while_somebody_has_just_begun_to_work_on_the_box(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    orders, looked = [], []
    path = daemon._appliance.paths.lock

    def is_locked(_: Path) -> bool:  # asked before the probes, after them, and before the ladder
        looked.append(True)
        return taken == "in the round" and len(looked) > 2

    def reboot() -> None:
        with pytest.raises(LockedError), appliance_lock(path, "restore"):
            pytest.fail("work begins on a box that reboots")
        orders.append("reboot")

    path.touch()
    monkeypatch.setattr(daemon, "_actor", Actor(tmp_path / "s", False, Orders(reboot=reboot)))
    monkeypatch.setattr(observe, "observations", answering())
    monkeypatch.setattr(observe, "is_locked", is_locked)
    daemon._rungs = ladder.Rungs(gone_since=time.monotonic() - 1801.0)
    with appliance_lock(path, "update") if taken == "at the reboot" else nullcontext():
        daemon.look()
    assert orders == ([] if taken else ["reboot"])
    assert daemon._rungs.step == len(orders)


def test_a_service_that_is_down_is_told_at_once(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observe, "observations", answering("door_down"))
    monkeypatch.setattr(daemon, "_actor", Actor(tmp_path / "s", True))
    for _ in range(3):
        daemon.look()  # the round is due only at the first
    report = json.loads((tmp_path / store.FILE).read_text())
    assert "door_down" in {entry["code"] for entry in report["issues"]}


def test_settings_are_not_judged_while_a_play_brings_another_release(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def codes() -> set[str]:
        daemon._round_at = 0.0
        daemon.look()
        report = json.loads((tmp_path / store.FILE).read_text())
        return {entry["code"] for entry in report["issues"]}

    monkeypatch.setattr(observe, "observations", answering())
    monkeypatch.setattr(startup, "problems", lambda _: ("hems.toml: unknown key 'ports.new'.",))
    monkeypatch.setattr(observe, "is_locked", lambda _: True)
    assert "settings_broken" not in codes()
    monkeypatch.setattr(observe, "is_locked", lambda _: False)
    assert "settings_broken" in codes()


@pytest.mark.parametrize("observations", [silent_systemd, missing_units])
def test_the_internet_is_looked_after_whatever_does_not_answer(
    daemon: Daemon, observations: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observe, "observations", observations)
    assert daemon.look() > 0
    assert daemon.look() > 0
    boot = memory.load_boot(tmp_path)
    assert boot is not None and boot.rungs.gone_since is not None
    report = json.loads((tmp_path / store.FILE).read_text())
    assert "no_internet" in {entry["code"] for entry in report["issues"]}


@pytest.mark.parametrize("taken", [True, False])
def test_the_restart_after_a_full_disk_is_due_until_it_is_taken(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    home, asked = daemon._home, []

    def carry_out(action: Action) -> bool:
        asked.append(action)
        return taken

    home.aftermath = Aftermath(full=True, room_since=0.0)
    home.deep.recording = False
    monkeypatch.setattr(home, "_running", lambda: Inside("RUNNING", "2026.10.4", (), None))
    home.heal(full=False, now=100.0, locked=False, carry_out=carry_out)
    assert len(asked) == 1
    assert home.aftermath == (Aftermath() if taken else again(100.0))
