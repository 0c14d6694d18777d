"""Hash files: what still verifies is kept to the letter, so that a second run changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.modules import load_module

module = load_module("playbooks/library/password_file.py")

HASHERS = [
    pytest.param(module.Bcrypt(5), id="bcrypt"),
    pytest.param(module.MosquittoPbkdf2(), id="mosquitto"),
]


@pytest.mark.parametrize("hasher", HASHERS)
def test_a_hash_verifies_its_own_password_alone(hasher: Any) -> None:
    hashed = hasher.hash(b"right")
    assert hasher.verify(b"right", hashed)
    assert not hasher.verify(b"wrong", hashed)
    assert not hasher.verify(b"right", "no hash at all")


@pytest.mark.parametrize("hasher", HASHERS)
def test_only_what_changed_is_written_anew(hasher: Any) -> None:
    text, differs = module.updated("", {"a": b"1", "b": b"2"}, hasher)
    assert differs == ["a", "b"]
    assert module.updated(text, {"a": b"1", "b": b"2"}, hasher) == (text, [])
    changed, differs = module.updated(text, {"a": b"1", "c": b"3"}, hasher)
    assert differs == ["b", "c"]
    assert changed.splitlines()[0] == text.splitlines()[0]


def test_mosquittos_own_hash_verifies() -> None:
    # Made by Debian's mosquitto_passwd for the password 'house'.
    digest = (
        "gfOWHyqX1P1vVLYm4D1LonjGuqRCY8cTJd7M4Ci3geCRbcOlRdyj2W23uMl6A4cRgCnLRZhuEJ2JfMJoXtbC4Q=="
    )
    assert module.MosquittoPbkdf2().verify(b"house", f"$7$101$jW1FIizmhL8wdwHe${digest}")


def test_another_cost_is_hashed_again() -> None:
    text, _ = module.updated("", {"a": b"1"}, module.Bcrypt(4))
    assert module.updated(text, {"a": b"1"}, module.Bcrypt(5))[1] == ["a"]


def test_a_missing_secret_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="password of 'meter'"):
        module.read_passwords({"meter": str(tmp_path / "none")})
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
