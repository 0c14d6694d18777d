"""``hems wifi open``: the command and the daemon that it asks."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hems import cli, settings, systemd
from hems import hotspot_status as status
from hems.cli import wifi
from hems.hotspot_status import Status

from tests.unit.appliance_settings import GOOD


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a daemon was asked that opens at once; root's rights, and the box's settings."""
    signals: list[str] = []

    def signal(unit: str, name: str) -> None:
        signals.append(f"{name} {unit}")
        status.write(tmp_path, Status("open", True, "HEMS-Cork 1", time.monotonic() + 600))

    read = status.read
    monkeypatch.setattr(status, "read", lambda: read(tmp_path))
    monkeypatch.setattr(systemd, "signal", signal)
    monkeypatch.setattr(wifi, "OPEN_SECONDS", 0.1)
    monkeypatch.setattr(wifi, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(wifi.os, "geteuid", lambda: 0)
    box = settings.parse(GOOD.replace("/etc/hems/secrets", str(tmp_path)), settings.Appliance, "x")
    monkeypatch.setattr(settings, "appliance", lambda: box)
    return signals


def test_it_opens_the_hotspot_and_says_how_to_get_in(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status.write(tmp_path, Status("online"))
    (tmp_path / "hotspot").write_text("abc\n")
    assert cli.main(["wifi", "open"]) == 0
    assert asked == ["SIGUSR1 hems-onboarding.service"]
    said = capsys.readouterr().out
    assert "'HEMS-Cork 1' is open for 10 minutes more. Its passphrase: abc" in said
    (tmp_path / "hotspot").unlink()
    assert cli.main(["wifi", "open"]) == 0
    assert len(asked) == 1, "it is open already"
    assert "It has no passphrase." in capsys.readouterr().out


def test_it_says_why_it_can_not(
    asked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["wifi", "open"]) == 1
    assert "'systemctl status hems-onboarding.service' says why" in capsys.readouterr().err
    status.write(tmp_path, Status("absent"))
    monkeypatch.setattr(systemd, "signal", lambda *_: None)
    assert cli.main(["wifi", "open"]) == 1
    assert "did not open" in capsys.readouterr().err
    monkeypatch.setattr(wifi.os, "geteuid", lambda: 1000)
    assert cli.main(["wifi", "open"]) == 1
    assert "put 'sudo' before it" in capsys.readouterr().err
    assert asked == []
