"""Home Assistant restarts when its files are not those of its start, or when it gave them up."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit import home_assistant_modules  # noqa: F401 - the role's shared code
from tests.unit.modules import load_module

module = load_module("roles/home_assistant/library/home_assistant_service.py")


class Box:
    """A box with one Home Assistant: its systemd, its API, its files."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "config"
        self.root = directory / "root"
        (self.root / "2026.10").mkdir(parents=True)
        (self.root / "current").symlink_to("2026.10")
        self.config.mkdir()
        (self.config / "configuration.yaml").write_text("homeassistant:\n")
        (directory / "token").write_text("token\n")
        self.recovery = False
        self.error = ""  # what the check finds
        self.asked: list[str] = []
        self.unit = {"ActiveState": "inactive", "UnitFileState": "disabled", "InvocationID": ""}
        self.params: dict[str, Any] = {
            "unit": "home-assistant.service",
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "owner": "owner",
            "directory": str(self.config),
            "root": str(self.root),
            "host": "127.0.0.1",
            "port": 8123,
            "token_file": str(directory / "token"),
            "depends_on": [str(self.config / "configuration.yaml")],
            "entries": [],
        }

    def start(self) -> None:
        """Start it, by whomever."""
        number = int(self.unit["InvocationID"] or 0) + 1
        begun = time.monotonic()
        self.unit |= {
            "ActiveState": "active",
            "InvocationID": str(number),
            "ExecMainStartTimestampMonotonic": str(int(begun * 1e6)),
        }
        self.recovery = False

    def systemctl(self, *arguments: str) -> str:
        """Do what systemctl would."""
        match arguments[0]:
            case "show":
                return "".join(f"{key}={value}\n" for key, value in self.unit.items())
            case "enable":
                self.unit["UnitFileState"] = "enabled"
            case "restart":
                self.start()
        return ""

    def request(self, _method: str, _path: str, *, token: str) -> tuple[int, Any]:
        """Answer as Home Assistant."""
        assert token == "token"
        return 200, {"recovery_mode": self.recovery}

    def check(self) -> None:
        """Check the configuration."""
        if self.error:
            raise module.ServiceError(self.error)

    def play(self, *, check_mode: bool = False) -> bool:
        """Run the module; return whether it changed anything."""
        given = SimpleNamespace(params=self.params, check_mode=check_mode)
        changed: bool = module.run(given)["changed"]
        return changed


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    """A box on which a play has just been, so that a second one changes nothing."""
    box = Box(tmp_path)
    monkeypatch.setattr(module.started_with, "DIRECTORY", tmp_path / "units")
    monkeypatch.setattr(module.Service, "systemctl", box.systemctl)
    monkeypatch.setattr(module.Service, "check", box.check)
    monkeypatch.setattr(module.Http, "request", box.request)
    assert box.play()
    assert not box.play()
    return box


def test_other_content_restarts_it_and_other_times_do_not(box: Box) -> None:
    settings = box.config / "configuration.yaml"
    os.utime(settings, (2e9, 2e9))
    assert not box.play()
    settings.write_text("other:\n")
    assert box.play(check_mode=True)
    assert box.play()
    assert box.unit["InvocationID"] == "2"
    assert not box.play()


def test_a_start_by_somebody_else_is_taken_as_it_is(box: Box) -> None:
    time.sleep(0.02)  # the kernel's clock for files ticks every few milliseconds
    box.start()
    assert not box.play()
    record = module.started_with.load("home-assistant.service")
    assert record.invocation == box.unit["InvocationID"] == "2"


def test_recovery_mode_is_left_by_the_next_play(box: Box) -> None:
    # It was started with a broken file of its owner's, which is whole again.
    time.sleep(0.02)
    box.start()
    box.recovery = True
    assert box.play(check_mode=True)
    assert box.recovery
    assert box.play()
    assert not box.recovery
    assert not box.play()


def test_recovery_mode_stays_while_the_file_is_broken(box: Box) -> None:
    time.sleep(0.02)
    box.start()
    box.recovery = True
    box.error = "automations.yaml, line 3"
    with pytest.raises(module.ServiceError, match="line 3"):
        box.play()
    assert box.unit["InvocationID"] == "2"


@pytest.mark.parametrize("token", [None, b"\xff"])
def test_without_a_token_it_is_not_asked(box: Box, token: bytes | None) -> None:
    path = Path(box.params["token_file"])
    path.unlink()
    if token is not None:
        path.write_bytes(token)
    assert not box.play()
