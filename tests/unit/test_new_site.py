"""What a new site's card says, and what the first start does with it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hems.update import first, look, play, update_settings
from hems.update.first import First, Secrets, scrub, take_secrets
from hems.update.state import load, save
from hems.update.update_settings import Update

from playbooks.fleet import card
from playbooks.fleet.card import CARD, Site
from playbooks.fleet.checkout import FleetError
from tests.unit.modules import ROOT
from tests.virtual.fleet.world import ENVIRONMENT, World

NOW = datetime(2026, 11, 27, 1, 2, 3, tzinfo=UTC)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice"
PACKAGE = ROOT / "files/hems/src/hems"
SECRETS = {"passphrase": "corr3ct horse: #1", "vault_password": "of the Vault"}


def site(**changes: object) -> Site:
    """A site by cable, and what is to be different."""
    plain: dict[str, object] = {
        "name": "my_home",
        "inventory": "inventory/pilot",
        "ring": "canary",
        "hostname": "hems-my-home",
        "country": "IE",
        "url": "https://git.example.org/fleet.git",
        "signers": ({"name": "alice@example.org", "key": KEY},),
        "keys": (KEY,),
    }
    return Site(**{**plain, **changes})  # type: ignore[arg-type]


def written(path: Path, of: Site, now: datetime = NOW) -> Path:
    """Write a card; return the directory."""
    card.write(card.files(of, PACKAGE, now), path / "card")
    return path / "card"


def test_the_first_start_knows_host_user_and_unit(tmp_path: Path) -> None:
    at = written(tmp_path, site())
    text = (at / "user-data").read_text()
    assert text.startswith("#cloud-config\n")  # else cloud-init passes it over
    said = yaml.safe_load(text)
    [user] = said["users"]
    assert (said["hostname"], user["name"], user["ssh_authorized_keys"]) == (
        "hems-my-home",
        "pi",
        [KEY],
    )
    assert user["lock_passwd"] is True and said["ssh_pwauth"] is False
    [unit] = said["write_files"]
    assert unit["path"] == "/etc/systemd/system/hems-first-boot.service"
    copied = [word for words in said["runcmd"] for word in words if word.startswith("/boot/")]
    assert [Path(one).name for one in copied] == sorted(
        (path.name for path in (at / CARD).iterdir()), key=card.COPIED.index
    )


def test_each_card_is_a_first_start_of_its_own(tmp_path: Path) -> None:
    one = yaml.safe_load((written(tmp_path, site()) / "meta-data").read_text())
    other = yaml.safe_load(
        (written(tmp_path, site(), NOW + timedelta(seconds=1)) / "meta-data").read_text()
    )
    assert one == {
        "dsmode": "local",
        "instance-id": "hems-my-home-20261127010203",
        "local-hostname": "hems-my-home",
    }
    assert other["instance-id"] != one["instance-id"]


def test_one_interface_has_to_be_up_before_anything_is_fetched() -> None:
    cable = card.network_config(site())["network"]
    assert cable["ethernets"]["eth0"]["optional"] is False and "wifis" not in cable
    wireless = card.network_config(site(wifi="Söme: WiFi", passphrase="12345678"))["network"]
    assert wireless["ethernets"]["eth0"]["optional"] is True
    assert wireless["wifis"]["wlan0"] == {
        "dhcp4": True,
        "optional": False,
        "regulatory-domain": "IE",
        "access-points": {"Söme: WiFi": {"password": "12345678"}},
    }


def test_the_updater_reads_the_cards_settings(tmp_path: Path) -> None:
    options = update_settings.read(written(tmp_path, site()) / CARD)
    assert (options.site, options.ring, options.inventory) == (
        "my_home",
        "canary",
        "inventory/pilot",
    )
    assert options.window.holds(13)  # at any hour
    assert load(tmp_path / "card" / CARD).newest == NOW.timestamp()


def test_a_secret_is_in_no_other_file_than_its_own(tmp_path: Path) -> None:
    of = site(wifi="Home", deploy_key="-----BEGIN", key="/k", known_hosts="/h", **SECRETS)
    at = written(tmp_path, of)
    where = {
        "corr3ct horse": ["network-config"],
        "of the Vault": [f"{CARD}/secrets.json"],
        "-----BEGIN": [f"{CARD}/secrets.json"],
    }
    for secret, expected in where.items():
        found = [path for path in at.rglob("*") if path.is_file() and secret in _text(path)]
        assert [str(path.relative_to(at)) for path in found] == expected
    assert {path.stat().st_mode & 0o777 for path in at.rglob("*") if path.is_file()} == {0o600}


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": ""}, "self_update_url is not set"),
        ({"signers": ()}, "hems_fleet_signers is not set"),
        ({"keys": ()}, "hems_operator_keys is not set"),
        ({"inventory": "../elsewhere"}, "must be in this repository"),
        ({"url": "ssh://git@example.org/fleet"}, "hems_secret_deploy_key"),
        ({"deploy_key": "x", "server_keys": "y"}, "self_update_key"),
        ({"wifi": "ä" * 17}, "longer than 32 bytes"),
    ],
)
def test_what_could_not_work_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(FleetError, match=sentence):
        card.check(site(**changes))


def test_the_program_runs_by_itself_and_is_the_same_each_time(tmp_path: Path) -> None:
    at = written(tmp_path, site()) / CARD / card.PROGRAM
    assert card.program(PACKAGE) == at.read_bytes()
    # of the libraries it has msgspec alone; the settings are not there: one sentence
    words = [sys.executable, "-I", str(at), str(tmp_path / "none"), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "update.toml" in done.stderr


def options_of(top: Path, world: World) -> Update:
    """The card's settings, with the fleet's server and the box's directories below ``top``."""
    text = card.update_toml(site(url=str(world.server), state=str(top / "state")))
    top.mkdir()
    (top / "update.toml").write_text(text.replace(card.DIRECTORY, str(top)))
    (top / "fleet-signers").write_bytes(world.signers.read_bytes())
    return update_settings.read(top)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A fleet whose canary ring has v1.0.0 for a quarter of its sites."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    made = World(tmp_path).make()
    (made.work / first.LOCK).parent.mkdir(parents=True)
    (made.work / first.LOCK).write_text("# ansible-core\n")
    made.release("v1.0.0")
    made.promote("canary", release="v1.0.0", percentage=1)
    return made


def test_a_new_site_takes_its_first_release(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    options = options_of(world.path / "box", world)
    options.directory.mkdir()
    done: list[str] = []
    failing = [True, False]
    monkeypatch.setattr(first, "install", lambda lock, _: done.append(lock.decode()))
    monkeypatch.setattr(play, "variables", lambda *_: done.append("host"))
    monkeypatch.setattr(
        play, "play", lambda *_: "its playbook failed (2)" if failing.pop(0) else ""
    )
    box = First(options)
    assert box.look(options.server.source) == 1 and box.state.release == ""
    assert options.problem.read_text().startswith("v1.0.0 is not here yet: its playbook failed (2)")
    assert box.look(options.server.source) == 0
    assert (load(options.directory).release, options.problem.exists()) == ("v1.0.0", False)
    assert done[:2] == ["# ansible-core\n", "host"]  # verified, then installed, then read
    done.clear()
    assert box.look(options.server.source) == 0 and not done  # only the card is left to scrub


def test_a_halted_ring_gives_a_new_site_nothing(world: World) -> None:
    options = options_of(world.path / "box", world)
    options.directory.mkdir()
    world.promote("canary", action="halt")
    box = First(options)
    assert box.look(options.server.source) == 0 and box.state.release == ""
    assert "is halted" in box.state.result


def test_a_clock_from_before_the_card_judges_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = options_of(world.path / "box", world)
    options.directory.mkdir()
    box = First(options)
    box.state = save(options.directory, box.state.but(newest=NOW.timestamp()))
    monkeypatch.setattr(look.time, "time", lambda: NOW.timestamp() - 40 * 86400)
    assert box.look(options.server.source) == 1 and "clock is behind" in box.state.result


def test_secrets_leave_the_card_first_and_the_rest_at_the_end(tmp_path: Path) -> None:
    of = site(
        wifi="Home",
        deploy_key="-----BEGIN",
        server_keys="host ssh-ed25519 A",
        key=str(tmp_path / "etc/key"),
        known_hosts=str(tmp_path / "etc/hosts"),
        **SECRETS,
    )
    at = written(tmp_path, of)
    (at / "config.txt").write_text("arm_64bit=1\n")
    box = tmp_path / "box"
    box.mkdir()
    options = update_settings.read(at / CARD)
    held = (at / CARD / "secrets.json").open("rb")  # what an undeleting tool would find
    take_secrets(box, at, options)
    take_secrets(box, at, options)  # once more, after a power cut
    assert not held.read().strip(b"\0") and not (at / CARD / "secrets.json").exists()
    kept = {path: path.read_text() for path in (box / "vault_password", tmp_path / "etc/key")}
    assert list(kept.values()) == ["of the Vault\n", "-----BEGIN\n"]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    for _ in range(2):
        scrub(at)
        left = {path.name: _text(path) for path in at.iterdir()}
        assert set(left) == {"user-data", "meta-data", "network-config", "config.txt"}
        assert not any("corr3ct" in text or "alice" in text for text in left.values())
        assert yaml.safe_load(left["network-config"]) == {"network": {"version": 2}}


def test_what_is_left_when_the_unit_goes_is_what_another_try_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, unit = tmp_path / CARD, tmp_path / "hems-first-boot.service"
    (directory / "ansible/bin").mkdir(parents=True)
    needed = {"update.toml", "fleet-signers", "first-boot.pyz"}
    for name in (*needed, play.VAULT, "ansible/bin/python"):
        (directory / name).write_text("x")
    unit.touch()
    left = []

    def disable(*_words: object, **_options: object) -> None:
        left.append({path.name for path in directory.iterdir()})
        assert unit.exists()

    monkeypatch.setattr(subprocess, "run", disable)
    first.forget(directory, unit)
    assert left == [needed]
    assert not directory.exists() and not unit.exists()


def test_a_secret_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    at = written(tmp_path, site(**SECRETS))
    (at / CARD / "secrets.json").write_text(json.dumps({"vault": "x"}))
    with pytest.raises(Exception, match="vault"):
        take_secrets(tmp_path, at, update_settings.read(at / CARD))
    assert Secrets().vault_password == ""


def test_ansible_is_installed_once_for_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def run(words: list[str]) -> None:
        ran.append(words[2])
        (tmp_path / "venv").mkdir(exist_ok=True)

    monkeypatch.setattr(first, "_run", run)
    first.install(b"one", tmp_path / "venv")
    first.install(b"one", tmp_path / "venv")
    first.install(b"two", tmp_path / "venv")
    assert ran == ["venv", "pip"] * 2
