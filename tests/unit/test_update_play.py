"""How a box plays a release: with which passwords, and how much it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hems.update import play
from hems.update.update_settings import Keep, Server, Update, Window

from tests.unit.preflight_site import problems


def test_a_play_on_the_box_does_not_fill_its_journal() -> None:
    assert play._environment()["ANSIBLE_NO_TARGET_SYSLOG"] == "1"


@pytest.mark.parametrize("encrypted_with", ["now", "before"])
def test_a_release_may_be_encrypted_with_the_password_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encrypted_with: str
) -> None:
    monkeypatch.setenv(play.CREDENTIALS, str(tmp_path))
    assert play._vault() == []
    (tmp_path / play.VAULT).write_text("now\n")
    (tmp_path / play.VAULT_BEFORE).write_text("\n")  # as its unit has it before any change
    assert play._vault() == [f"--vault-password-file={tmp_path / play.VAULT}"]
    (tmp_path / play.VAULT_BEFORE).write_text("before\n")
    (tmp_path / "by").write_text(encrypted_with)
    (tmp_path / "vars.yml").write_text("secret: opened")
    own = ["--vault-password-file", str(tmp_path / "by")]
    ansible = [sys.executable, "-m", "ansible", "vault"]
    subprocess.run([*ansible, "encrypt", *own, str(tmp_path / "vars.yml")], check=True)
    view = [*ansible, "view", *play._vault(), str(tmp_path / "vars.yml")]
    opened = subprocess.run(view, check=True, capture_output=True).stdout
    assert opened.strip() == b"secret: opened"


def test_what_a_box_says_to_a_play_is_no_strange_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[str]] = []

    def popen(words: list[str], **_options: object) -> object:
        told.append(words)
        raise OSError  # before anything is run

    monkeypatch.setattr(subprocess, "Popen", popen)
    at, server, window = tmp_path, Server("https://example.org/x.git"), Window(1, 1)
    options = Update("site_1", "canary", "x", at, at, at, at, 1, server, window, Keep((), (), at))
    with pytest.raises(OSError):
        play.play(options, tmp_path, 1, "update")
    [words] = told
    extra = json.loads(words[words.index("--extra-vars") + 1])
    assert extra["hems_lock_inside"] == "update"
    assert problems(extra) == []
