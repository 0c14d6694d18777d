"""Secrets: made once, replaced only by the Vault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.modules import load_module

module = load_module("playbooks/library/secret_files.py")


def test_a_made_secret_satisfies_influxdbs_rule() -> None:
    made = {module.make(24) for _ in range(50)}
    assert len(made) == 50
    for secret in made:
        assert len(secret) == 24
        assert (
            any(c.isupper() for c in secret)
            and any(c.islower() for c in secret)
            and any(c.isdigit() for c in secret)
        )


def test_what_is_there_stays_and_the_vault_wins() -> None:
    assert module.wanted("there", None, 24) == "there"
    assert module.wanted("there", "", 24) == "there"
    assert module.wanted("there", "given", 24) == "given"
    assert len(module.wanted(None, None, 30)) == 30


def test_a_secret_that_nobody_asks_for_is_found(tmp_path: Path) -> None:
    for name in ("mqtt_hems", "mqtt_kettle", "mqttx", "door_password"):
        (tmp_path / name).write_text("x")
    assert module.left_over(tmp_path, {"mqtt_hems"}, ["mqtt_"]) == [tmp_path / "mqtt_kettle"]
    assert module.left_over(tmp_path, {"mqtt_hems"}, []) == []
    assert module.left_over(tmp_path / "none", {"mqtt_hems"}, ["mqtt_"]) == []


@pytest.mark.parametrize("content", [b"", b"\0" * 24, b"\xff\xfe\x00", b"half\0"])
def test_what_a_power_cut_left_is_no_secret(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    assert module.read(path) is None
    module.set_aside(path)
    aside = [one for one in tmp_path.iterdir() if one.name.startswith("secret.broken-")]
    assert [one.read_bytes() for one in aside] == ([content] if content else [])


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    module.write(tmp_path / "secret", "s3cret")
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert module.read(tmp_path / "secret") == "s3cret"
    assert module.read(tmp_path / "none") is None
    (tmp_path / "cut").write_text("")
    assert module.read(tmp_path / "cut") is None, (
        "a file cut short by a power failure is made again"
    )


def test_what_a_new_value_replaces_is_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    before = tmp_path / "vault_password_before"
    for secret, kept in (("first", None), ("second", "first"), ("third", "second")):
        module.replace(tmp_path / "vault_password", secret, keep_before=True)
        assert (module.read(tmp_path / "vault_password"), module.read(before)) == (secret, kept)
    assert before.stat().st_mode & 0o777 == 0o600
    module.replace(tmp_path / "door_password", "first", keep_before=False)
    module.replace(tmp_path / "door_password", "second", keep_before=False)
    assert not (tmp_path / "door_password_before").exists()
