"""A mistake in the inventory stops the play in its first seconds, before any Pi is spoken to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repo.checkout import ROOT

HOSTS = "hosts.yml"
CORK = "host_vars/cork_01/site.yml"


def ansible(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs (playbook, vault) on the repository."""
    return subprocess.run(
        [sys.executable, "-m", "ansible", program, *arguments],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,  # a busy machine is slow, not wrong
        check=False,
    )


def refused(*arguments: str) -> str:
    """Play site.yml, which must stop before a Pi is spoken to; return what it said, as one line."""
    run = ansible("playbook", "playbooks/site.yml", *arguments)
    assert run.returncode != 0
    assert "Gather the few facts" not in run.stdout, "a Pi was spoken to"
    return " ".join((run.stderr + run.stdout).split())


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A copy of the pilot's inventory."""
    return Path(shutil.copytree(ROOT / "inventory/pilot", tmp_path / "fleet"))


def change(file: str, old: str, new: str) -> Callable[[Path], None]:
    """Return what replaces ``old`` in a file of the inventory."""

    def on(fleet: Path) -> None:
        text = (fleet / file).read_text(encoding="utf-8")
        assert old in text
        (fleet / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return on


def add(file: str, text: str) -> Callable[[Path], None]:
    """Return what adds lines to the end of a file of the inventory."""

    def on(fleet: Path) -> None:
        before = (fleet / file).read_text(encoding="utf-8")
        (fleet / file).write_text(before + text, encoding="utf-8")

    return on


def test_each_site_is_told_its_mistakes(fleet: Path) -> None:
    add(CORK, "hems_country: NO\nhems_secret_door_password: wonder wall #3\n")(fleet)
    change("host_vars/limerick_01/site.yml", "hems-limerick-01", "hems-galway-01")(fleet)
    change(HOSTS, "            galway_01:", "            galway_01:\n            limerick_01:")(
        fleet
    )
    change(HOSTS, "all:\n", "all:\n  hosts: {spare_01: {}}\n")(fleet)
    said = refused(
        f"--inventory={fleet}",
        "--extra-vars=all_sites=true",
        '--extra-vars={"hems_timezone": "x", "hems_secret_influxdb_password": "alllowercase"}',
    )
    for sentence in [
        f"hems_country ({fleet}/{CORK}:11) must be text, but YAML reads false",
        f"hems_secret_door_password ({fleet}/{CORK}:12) may be cut",
        "hems_timezone is not a variable of SmartCORE HEMS: did you mean hems_time_zone?",
        "hems_secret_influxdb_password must contain three of",
        "limerick_01 is in 2 rings (ring_early, ring_stable)",
        "galway_01 has the same hems_hostname as limerick_01 (hems-galway-01)",
        "spare_01 is in no group of hosts.yml",
        # one sentence for both, and no word of a wrong one
        f"hems_secret_owner_password ({fleet}/host_vars/galway_01/vault.yml:6), "
        f"hems_secret_door_password ({fleet}/host_vars/galway_01/vault.yml:13) "
        "can't be read: give the Vault's password (--ask-vault-pass).",
    ]:
        assert sentence in said
    assert "wonder" not in said and "alllowercase" not in said


def test_broken_and_stray_files_are_named_before_ansible_reads_them(fleet: Path) -> None:
    add(CORK, "\thems_language: en\n")(fleet)
    change(HOSTS, "            galway_01:", "            glaway_01:")(fleet)
    said = refused(f"--inventory={fleet}", "--limit=cork_01")
    assert f"{fleet}/{CORK}, line 11 has a tab, which YAML does not allow" in said
    assert "host_vars/galway_01 belongs to no host of the inventory (did you mean glaway_01" in said


def test_a_tab_in_the_hosts_file_is_named(fleet: Path) -> None:
    add(HOSTS, "\tx: 1\n")(fleet)
    said = refused(f"--inventory={fleet}")
    assert "Tabs are usually invalid in YAML" in said
    assert f"failed to parse inventory source {fleet}/{HOSTS}" in said


def test_a_path_without_an_inventory_is_named() -> None:
    assert "inventory/pilto" in refused("--inventory=inventory/pilto")


def test_more_than_one_site_must_be_meant() -> None:
    said = refused()
    assert "This play would run on all 3 sites at once: name one with -l <site>" in said


def test_a_wrong_vault_password_does_not_read_like_none(tmp_path: Path) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("not-this-one\n", encoding="ascii")
    said = refused("--limit=galway_01", f"--vault-password-file={wrong}")
    assert "can't be read: it was encrypted with another Vault password: give that one." in said


def test_a_file_that_is_encrypted_as_a_whole_is_named(fleet: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("some-password\n", encoding="ascii")
    file = fleet / CORK
    key = f"--vault-password-file={password}"
    assert ansible("vault", "encrypt", key, str(file)).returncode == 0
    said = refused(f"--inventory={fleet}", "--limit=cork_01")
    assert f"{file} is encrypted: give the Vault's password (--ask-vault-pass)." in said
    password.write_text("another\n", encoding="ascii")
    said = refused(f"--inventory={fleet}", "--limit=cork_01", key)
    assert f"{file} can't be decrypted with this Vault password" in said


def test_the_example_sites_pass_their_checks(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("example-only\n", encoding="ascii")
    run = ansible(
        "playbook",
        "playbooks/site.yml",
        "--extra-vars=all_sites=true",
        f"--vault-password-file={password}",
        "--tags=none",  # the checks have the tag always; nothing else has a tag
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("Refuse variables") == 1 and "Gather the few" not in run.stdout


def test_pairing_is_refused_for_more_than_one_box() -> None:
    run = ansible("playbook", "--inventory=inventory/pilot", "playbooks/pair_meter.yml")
    assert run.returncode == 2
    sentence = "Pairing is work at one box, and this play means 3: name one with -l <site>."
    assert sentence in " ".join(run.stdout.split())
    assert "TASK [Pair" not in run.stdout, "a Pi was spoken to"
