"""Hash files: what still verifies is kept to the letter, so that a second run changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.modules import load_module

module = load_module("playbooks/library/password_file.py")


def test_a_hash_verifies_its_own_password_alone() -> None:
    hashed = module.make(b"right")
    assert module.verify(b"right", hashed)
    assert not module.verify(b"wrong", hashed)
    assert not module.verify(b"right", "no hash at all")


def test_only_what_changed_is_written_anew() -> None:
    text, differs = module.updated("", {"a": b"1", "b": b"2"})
    assert differs == ["a", "b"]
    assert module.updated(text, {"a": b"1", "b": b"2"}) == (text, [])
    changed, differs = module.updated(text, {"a": b"1", "c": b"3"})
    assert differs == ["b", "c"]
    assert changed.splitlines()[0] == text.splitlines()[0]


def test_mosquittos_own_hash_verifies() -> None:
    # Made by Debian's mosquitto_passwd for the password 'house'.
    digest = (
        "gfOWHyqX1P1vVLYm4D1LonjGuqRCY8cTJd7M4Ci3geCRbcOlRdyj2W23uMl6A4cRgCnLRZhuEJ2JfMJoXtbC4Q=="
    )
    assert module.verify(b"house", f"$7$101$jW1FIizmhL8wdwHe${digest}")


def test_a_missing_secret_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="password of 'meter'"):
        module.read_passwords({"meter": str(tmp_path / "none")})
    [made] = module.read_passwords({"meter": str(tmp_path / "none")}, check_mode=True).values()
    assert len(made) == 32, "a check takes the place of the run that would have made it"
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ValueError, match="is empty"):
        module.read_passwords({"meter": str(tmp_path / "empty")})


def test_the_file_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    file.write_text("old")
    file.chmod(0o640)
    module.replace(file, "new")
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_diff_names_accounts_and_no_hash() -> None:
    old, _ = module.updated("", {"a": b"1", "b": b"2"})
    new, differs = module.updated(old, {"a": b"1", "b": b"3", "c": b"4"})
    assert module.accounts(old, differs, "old") == "user a\nuser b, old\n"
    assert module.accounts(new, differs, "new") == "user a\nuser b, new\nuser c, new\n"
