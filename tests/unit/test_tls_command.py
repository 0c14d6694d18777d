"""The command hems-tls: its settings, its answers and its exit status."""

from __future__ import annotations

import argparse
import grp
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.modules import ROOT

sys.path.insert(0, str(ROOT / "roles/tls/files"))

import hems_tls
import hems_tls_core as core

GROUP = grp.getgrgid(os.getgid()).gr_name


class Systemctl:
    """Stands in for ip(8) and systemctl(1)."""

    def __init__(self) -> None:
        self.running = {"nginx.service"}
        self.refuses = False
        self.reloaded: list[str] = []

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        """Answer a command as the real one would."""
        if command[0] == "ip":
            return subprocess.CompletedProcess(command, 0, "[]", "")
        if command[1] == "is-active":
            return subprocess.CompletedProcess(
                command, int(command[-1] not in self.running), "", ""
            )
        if self.refuses:
            return subprocess.CompletedProcess(command, 1, "", "Job failed.\n")
        self.reloaded.append(command[-1])
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def systemctl(monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    """The box's services; only nginx runs."""
    double = Systemctl()
    monkeypatch.setattr(hems_tls.subprocess, "run", double.run)
    monkeypatch.setattr(hems_tls.socket, "gethostname", lambda: "hems-cork")
    return double


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings as the role writes them."""
    (tmp_path / "tls").mkdir()
    path = tmp_path / "tls.toml"
    path.write_text(
        f'site = "Cork 1"\ndirectory = "{tmp_path}/tls"\ncopy = "{tmp_path}/copy"\n'
        f'problem = "{tmp_path}/run/problem"\npublished = "{tmp_path}/hems-ca.crt"\n'
        f'group = "{GROUP}"\nextra_names = []\nservices = ["nginx.service", "mosquitto.service"]\n'
    )
    return path


def run(config: Path, **how: bool) -> int:
    """Run the command with its options."""
    options = {"check": False, "new_ca": False} | how
    return hems_tls.run(argparse.Namespace(config=config, **options))


def test_running_services_are_reloaded_only_for_a_new_certificate(
    config: Path, systemctl: Systemctl, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(config) == 0
    assert systemctl.reloaded == ["nginx.service"]
    assert "made a server certificate" in capsys.readouterr().out
    assert run(config) == 0
    assert systemctl.reloaded == ["nginx.service"]
    assert capsys.readouterr().out == ""


def test_a_reload_that_failed_is_tried_again(config: Path, systemctl: Systemctl) -> None:
    systemctl.refuses = True
    with pytest.raises(core.TlsProblem, match=r"nginx.service did not take .*journalctl -u nginx"):
        run(config)
    systemctl.refuses = False
    assert run(config) == 0
    assert systemctl.reloaded == ["nginx.service"]


def test_check_says_what_it_would_do(
    config: Path, systemctl: Systemctl, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(config, check=True) == 2
    assert capsys.readouterr().out.startswith("would have: made the site's CA")
    run(config)
    capsys.readouterr()
    assert run(config, check=True) == 0
    assert capsys.readouterr().out == "nothing to do\n"
    assert systemctl.reloaded == ["nginx.service"]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('site = "Cork 1"\n', "", "needs the key 'site', a text"),
        ("extra_names = []", 'extra_names = "x"', "needs the key 'extra_names', a list"),
        ("extra_names = []", "extra_names = []\nport = 1", "has the unknown key 'port'"),
        ("extra_names = []", "extra_names = [", "can't be read"),
        (f'group = "{GROUP}"', 'group = "no-such-group"', "no group 'no-such-group'"),
        ("extra_names = []", 'extra_names = ["two words"]', "'two words' is neither"),
    ],
)
def test_wrong_settings_are_named(
    config: Path, systemctl: Systemctl, old: str, new: str, sentence: str
) -> None:
    config.write_text(config.read_text().replace(old, new))
    with pytest.raises(core.TlsProblem, match=sentence):
        run(config)
    assert systemctl.reloaded == []


def test_a_problem_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["hems-tls", "--config", str(tmp_path / "none.toml")])
    assert hems_tls.main() == 1
    error = capsys.readouterr().err
    assert error.startswith("hems-tls: ") and error.count("\n") == 1
    assert "run the playbook" in error
