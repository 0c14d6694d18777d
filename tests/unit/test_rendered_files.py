"""Several files in one call: all pass their check, or none is written."""

from __future__ import annotations

import getpass
import grp
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.modules import load_module

module = load_module("playbooks/library/rendered_files.py")
ME = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}


class Failed(Exception):
    """What fail_json ends the module with."""


class Ansible:
    """As much of AnsibleModule as writing needs."""

    def fail_json(self, msg: str) -> None:
        raise Failed(msg)


def file(path: Path, content: str, **attributes: Any) -> Any:
    given = {"path": str(path), "content": content, "mode": "0644", **ME, **attributes}
    return module.File(given)


def test_directories_modes_and_texts(tmp_path: Path) -> None:
    target = tmp_path / "conf.d/one.conf"
    one = file(target, "text", mode="0640")
    assert not one.is_current()
    module.write(Ansible(), [one])
    assert target.read_text() == "text"
    assert target.stat().st_mode & 0o7777 == 0o640
    assert one.is_current()
    target.chmod(0o600)
    assert not one.is_current()


@pytest.mark.parametrize("left", [b"", b"\0" * 40, b"\xff\xfe\x80"])
def test_what_a_power_cut_left_is_written_anew(tmp_path: Path, left: bytes) -> None:
    target = tmp_path / "nginx.conf"
    target.write_bytes(left)
    one = file(target, "text")
    assert not one.is_current() and one.diff()["after"] == "text"
    module.write(Ansible(), [one])
    assert target.read_text() == "text" and one.is_current()


def test_a_bad_file_keeps_all_others_back(tmp_path: Path) -> None:
    checker = tmp_path.parent / "checker"
    checker.write_text("#!/bin/sh\ngrep -Hn bad $1 | cut -d: -f2- | sed 's/:/ is /'; exit 1\n")
    checker.chmod(0o755)
    (tmp_path / "main").write_text("old")
    good = file(tmp_path / "main", "new")
    bad = file(tmp_path / "part", "bad", validate=f"{checker} %s")
    with pytest.raises(Failed, match="part does not pass its check and was not written: 1 is bad"):
        module.write(Ansible(), [good, bad])
    assert (tmp_path / "main").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["main"]


def test_an_unknown_user_is_no_match_and_leaves_nothing_behind(tmp_path: Path) -> None:
    one = file(tmp_path / "one", "text", owner="nobody-has-this-name")
    with pytest.raises(KeyError):
        module.write(Ansible(), [one])
    assert list(tmp_path.iterdir()) == []


def test_the_diff_names_the_file(tmp_path: Path) -> None:
    diff = file(tmp_path / "one", "new\n").diff()
    assert (diff["before"], diff["after"]) == ("", "new\n")
    assert diff["after_header"] == str(tmp_path / "one")


def test_files_that_are_only_whole_together_are_checked_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def check(command: list[str]) -> tuple[int, str, str]:
        asked.append(command)
        return 1, "", "unknown zone"

    monkeypatch.setattr(module.whole_output, "run", check)
    parts = [file(tmp_path / name, name, validate="checker %p") for name in ("zones", "locations")]
    with pytest.raises(Failed, match=r"zones with .*locations does not pass its check"):
        module.write(Ansible(), [file(tmp_path / "other", "x"), *parts])
    (command,) = asked
    words = [word.partition("=") for word in command[1:]]
    assert [path for path, _, _ in words] == [f"{tmp_path}/zones", f"{tmp_path}/locations"]
    assert all(new.startswith(f"{path.rpartition('/')[0]}/.") for path, _, new in words)
    assert list(tmp_path.iterdir()) == []


class Systemd:
    """Answers for systemd, and remembers what it was asked."""

    def __init__(self, needed: str) -> None:
        self.needed = needed
        self.asked: list[list[str]] = []

    def run(self, command: list[str]) -> tuple[int, str, str]:
        self.asked.append(command)
        return 0, self.needed, ""


@pytest.mark.parametrize(("needed", "told"), [("no\n\nyes\n", True), ("no\n\nno\n", False)])
def test_systemd_reads_a_unit_that_is_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, needed: str, *, told: bool
) -> None:
    monkeypatch.setattr(module, "BOOTED", tmp_path)
    monkeypatch.setattr(module, "UNITS", tmp_path)
    written = [file(tmp_path / name, "") for name in ("b.service.d/hems.conf", "a.timer")]
    systemd = Systemd(needed)
    monkeypatch.setattr(module.whole_output, "run", systemd.run)
    module.read_anew(Ansible(), module.units(written))
    assert systemd.asked[0][-2:] == ["a.timer", "b.service"]
    assert (["systemctl", "daemon-reload"] in systemd.asked) is told


def test_systemd_is_not_asked_about_other_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    systemd = Systemd("yes")
    monkeypatch.setattr(module.whole_output, "run", systemd.run)
    module.read_anew(Ansible(), module.units([file(tmp_path / "hems.toml", "")]))
    assert systemd.asked == []
