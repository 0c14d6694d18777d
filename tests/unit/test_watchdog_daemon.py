"""The daemon's loop goes on whatever does not answer: once, a missing service ended it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hems.health import store
from hems.settings import Appliance, parse
from hems.systemd import SystemdError, Unit
from hems.watchdog import daemon as module
from hems.watchdog import memory, network, observe, probes
from hems.watchdog.core import Look, Sight
from hems.watchdog.daemon import Daemon
from hems.watchdog.probes import Secrets
from hems.watchdog.settings import Watchdog

from tests.unit.appliance_settings import GOOD
from tests.unit.watchdog_settings import TEXT


def silent_systemd(_: Any) -> list[Sight]:
    raise SystemdError("systemd can't be asked: no such bus.")


def missing_units(services: Any) -> list[Sight]:
    look = Look(False, "is not asked, as its unit is down")
    absent = Unit("", "not-found", "inactive", "dead", "success", 0, "")
    return [Sight(dataclasses.replace(absent, name=one.unit), look, 1) for one in services]


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """A daemon on a box where nothing answers at all."""
    text = GOOD.replace("/run/hems", str(tmp_path)).replace("/var/lib/hems", str(tmp_path / "s"))
    (tmp_path / "s").mkdir()
    monkeypatch.setattr(observe, "reachable", lambda _: False)
    monkeypatch.setattr(observe, "is_locked", lambda _: False)
    monkeypatch.setattr(observe, "hotspot_active", lambda: False)
    monkeypatch.setattr(network, "available", lambda: False)
    monkeypatch.setattr(module, "round_trip", lambda *_: Look(False, "does not answer"))
    monkeypatch.setattr(probes, "round_trip", lambda *_: Look(False, "does not answer"))
    options = parse(TEXT.replace("hold_scale = 1", "hold_scale = 0"), Watchdog, "watchdog.toml")
    return Daemon(parse(text, Appliance, "hems.toml"), options, Secrets("a", "b", "c"))


@pytest.mark.parametrize("sights", [silent_systemd, missing_units])
def test_the_internet_is_looked_after_whatever_does_not_answer(
    daemon: Daemon, sights: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observe, "sights", sights)
    assert daemon.look() > 0
    assert daemon.look() > 0
    boot = memory.load_boot(tmp_path)
    assert boot is not None and boot.rungs.gone_since is not None
    report = json.loads((tmp_path / store.FILE).read_text())
    assert "no_internet" in {entry["code"] for entry in report["issues"]}
