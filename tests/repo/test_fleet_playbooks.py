"""playbooks/release.yml and playbooks/promote.yml, as docs/update.md has them, on a small fleet."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest

from tests.repo.checkout import ROOT
from tests.repo.documented import COMMANDS, all_blocks
from tests.virtual.fleet.world import ENVIRONMENT, World, git

LINES = [
    line
    for block in all_blocks(COMMANDS, "tested: tests/repo/test_fleet_playbooks.py")
    for line in block.text.splitlines()
]


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


def play(world: World, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the page on the fleet."""
    program, *words = shlex.split(line)
    assert program == ".venv/bin/ansible-playbook"
    key = (world.path / "alice.pub").read_text()
    more = {
        "release_checkout": str(world.work),
        "release_checks": "true",
        "signing_key": str(world.path / "alice"),
        "hems_fleet_signers": [{"name": "alice@example.org", "key": key}],
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


def test_the_pages_commands_work_one_after_the_other(world: World) -> None:
    assert len(LINES) == 7
    for line in LINES:
        done = play(world, line)
        assert done.returncode == 0, line + done.stdout + done.stderr
    tip = json.loads(git(world.server, "cat-file", "blob", "rings:rings/early.json"))
    assert (tip["release"], tip["percentage"], tip["serial"]) == ("v1.2.2", 100, 5)


def test_a_refusal_is_one_sentence(world: World) -> None:
    done = play(
        world, ".venv/bin/ansible-playbook playbooks/promote.yml -e ring=early -e percentage=0"
    )
    assert done.returncode == 2
    assert "'0' is no percentage from 1 to 100; a ring is halted with -e halt=true" in done.stdout
