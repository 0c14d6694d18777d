"""playbooks/release.yml and playbooks/promote.yml, as docs/update.md has them, on a small fleet."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.repo.checkout import ROOT
from tests.repo.documented import COMMANDS, all_blocks
from tests.virtual.fleet.world import ENVIRONMENT, World, git

ALL_LINES = [
    line
    for block in all_blocks(COMMANDS, "tested: tests/repo/test_fleet_playbooks.py")
    for line in block.text.splitlines()
]
LINES = [line for line in ALL_LINES if "new_site" not in line]
LIST = ("playbooks/site.yml", "--list-hosts")
SCRATCH = ROOT / ".cache/virtual"  # an inventory must be in the repository


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A fleet with a release before the first of the page's."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        made = World(tmp_path_factory.mktemp("fleet")).make()
        made.release("v1.2.2")
        with (made.work / "CHANGELOG.md").open("a") as changelog:
            changelog.write("\n## v1.2.3\n- A change.\n")
        made.commit("Say what v1.2.3 changes")
    return made


def play(world: World, line: str, **fleet: object) -> subprocess.CompletedProcess[str]:
    """Run a line of the page on the fleet; ``fleet``: variables of its inventory."""
    program, *words = shlex.split(line)
    assert program == ".venv/bin/ansible-playbook"
    key = (world.path / "alice.pub").read_text()
    more = {
        "release_checkout": str(world.work),
        "release_checks": "true",
        "signing_key": str(world.path / "alice"),
        "hems_fleet_signers": [{"name": "alice@example.org", "key": key}],
        **fleet,
    }
    return subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", *words, "-e", json.dumps(more)],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT, "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def promoted(world: World) -> World:
    """The fleet after the page's commands, one after the other."""
    assert len(LINES) == 7
    for line in LINES:
        done = play(world, line)
        assert done.returncode == 0, line + done.stdout + done.stderr
    return world


def test_the_pages_commands_work_one_after_the_other(promoted: World) -> None:
    tip = json.loads(git(promoted.server, "cat-file", "blob", "rings:rings/early.json"))
    assert (tip["release"], tip["percentage"], tip["serial"]) == ("v1.2.2", 100, 5)


def test_a_refusal_is_one_sentence(world: World) -> None:
    done = play(
        world, ".venv/bin/ansible-playbook playbooks/promote.yml -e ring=early -e percentage=0"
    )
    assert done.returncode == 2
    assert "'0' is no percentage from 1 to 100; a ring is halted with -e halt=true" in done.stdout


def test_receipts_that_can_not_be_read_keep_a_release_and_no_secret_is_shown(
    promoted: World,
) -> None:
    tip = git(promoted.server, "rev-parse", "rings")
    server = {"hems_fleet_server": "localhost", "hems_port_mqtts": 1}
    secret = {"hems_secret_fleet_operator_password": "an-operators-password"}
    line = ".venv/bin/ansible-playbook -vvv playbooks/promote.yml -e ring=stable -e release=v1.2.2"
    done = play(promoted, line, **server, **secret)
    said = " ".join(done.stdout.split())
    assert done.returncode == 2 and "fleet server localhost:1 does not answer" in said, said
    assert secret["hems_secret_fleet_operator_password"] not in done.stdout + done.stderr
    assert git(promoted.server, "rev-parse", "rings") == tip


@pytest.fixture
def inventory() -> Iterator[str]:
    """The pilot's inventory, by its path in the repository, with the page's site."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as directory:
        fleet = Path(shutil.copytree(ROOT / "inventory/pilot", Path(directory, "pilot")))
        hosts = (fleet / "hosts.yml").read_text()
        (fleet / "hosts.yml").write_text(hosts.replace("cork_01:", "my_home:"))
        (fleet / "host_vars/cork_01").rename(fleet / "host_vars/my_home")
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
        fleet_variables = fleet / "group_vars/all/zz_fleet.yml"
        fleet_variables.write_text(
            json.dumps(
                {
                    "self_update_url": "https://git.example.org/fleet.git",
                    "hems_fleet_signers": [{"name": "alice@example.org", "key": key}],
                    "hems_operator_keys": [key],
                    "hems_wifi_name": "Home",
                    "hems_secret_wifi_passphrase": "corr3ct horse",
                }
            )
        )
        yield str(fleet.relative_to(ROOT))


def new_site(line: str, inventory: str, card: Path) -> subprocess.CompletedProcess[str]:
    """Run the page's line on an inventory, for a card that is mounted here."""
    program, *words = shlex.split(line)
    assert program == ".venv/bin/ansible-playbook"
    here = {"inventory/pilot": inventory, "card=/media/me/bootfs": f"card={card}"}
    words = [here.get(word, word) for word in words]
    return subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", *words],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_new_sites_card_is_written_as_the_page_says(inventory: str, tmp_path: Path) -> None:
    [line] = [line for line in ALL_LINES if "new_site" in line]
    (tmp_path / "config.txt").write_text("arm_64bit=1\n")
    done = new_site(line, inventory, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "what the first start of my_home needs. It has secrets until" in said, said
    assert "corr3ct" not in done.stdout + done.stderr
    user = yaml.safe_load((tmp_path / "user-data").read_text())
    assert user["hostname"] and user["users"][0]["name"] == "pi"
    network = yaml.safe_load((tmp_path / "network-config").read_text())["network"]
    points = network["wifis"]["wlan0"]["access-points"]
    assert points == {"Home": {"password": "corr3ct horse"}}
    settings = tomllib.loads((tmp_path / "hems-first-boot/update.toml").read_text())
    assert (settings["site"], settings["ring"], settings["inventory"]) == (
        "my_home",
        "canary",
        inventory,
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("site=my_home", "site=nowhere"), "Which site? Name one of the inventory with -e site="),
        (("card=", "card=/nonexistent"), "has no config.txt: is the card's FAT partition mounted"),
    ],
)
def test_a_card_that_could_not_work_is_refused_in_a_sentence(
    inventory: str, tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    [line] = [line for line in ALL_LINES if "new_site" in line]
    done = new_site(line.replace(*change), inventory, tmp_path)
    assert done.returncode == 2 and sentence in " ".join(done.stdout.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("server", [{}, {"fleet_server": {"hosts": {"fleet_01": {}}}}])
def test_the_fleets_server_is_not_checked_as_a_site(
    tmp_path: Path, server: dict[str, object]
) -> None:
    hosts = tmp_path / "hosts.yml"
    hosts.write_text(json.dumps({"hems": {"hosts": {"cork_01": {}}}, **server}))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", hosts, *LIST],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cork_01" in done.stdout and "fleet_01" not in done.stdout
    assert "WARNING" not in done.stdout + done.stderr
