"""Every command of README and docs is executed by a test, or says what it needs; see documented."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hems import cli

from playbooks.preflight.names import Product
from tests.repo.checkout import ROOT
from tests.repo.documented import COMMANDS, DATA, PAGES, Block, all_blocks

CONTROLLER = "tested on the controller"
MARKER = re.compile(
    r"tested on the (controller, on an inventory with my_home, with .+: .+|box(, for a second)?)"
    r"|tested: (make test .+|tests/\S+\.py)|needs .+"
)


@pytest.mark.parametrize("block", all_blocks(COMMANDS), ids=str)
def test_every_block_of_commands_says_how_it_is_tested(block: Block) -> None:
    assert MARKER.fullmatch(block.marker), f"{block}: '{block.marker}' says no such thing"


@pytest.mark.parametrize("block", all_blocks(COMMANDS, "tested: tests/"), ids=str)
def test_the_test_that_a_block_names_knows_its_commands(block: Block) -> None:
    test = (ROOT / block.marker.removeprefix("tested: ")).read_text(encoding="utf-8")
    for line in block.text.splitlines():
        # the last word of `hems zigbee pair`, `virtual-pi-house offline`, `run.sh create mine`, …
        words = [word for word in re.findall(r"[a-z][\w-]+", line.split("#")[0]) if len(word) > 3]
        assert any(re.search(rf"\b{word}\b", test) for word in words), f"{block}: {line}"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """The pilot's inventory with the site that docs/inventory.md adds."""
    fleet = Path(shutil.copytree(ROOT / "inventory/pilot", tmp_path / "pilot"))
    hosts = (fleet / "hosts.yml").read_text(encoding="utf-8")
    row = "            galway_01:\n"
    assert row in hosts
    (fleet / "hosts.yml").write_text(
        hosts.replace(row, row + "            my_home:\n"), encoding="utf-8"
    )
    [site] = [block for block in all_blocks(DATA) if "hems_site_name" in block.text]
    (fleet / "host_vars/my_home").mkdir()
    (fleet / "host_vars/my_home/site.yml").write_text(site.text + "\n", encoding="utf-8")
    return fleet


@pytest.mark.parametrize("block", all_blocks(COMMANDS, CONTROLLER), ids=str)
def test_a_command_of_the_controller_works(block: Block, inventory: Path) -> None:
    [arguments] = re.findall(r", with (--.+?):", block.marker)
    program, *words = shlex.split(block.text)
    assert program == ".venv/bin/ansible-playbook"
    words = [str(inventory) if word == "inventory/pilot" else word for word in words]
    words.remove("-K")  # it asks for the Pi's password, and there is no Pi
    run = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", *words, *shlex.split(arguments)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "my_home" in run.stdout


@pytest.mark.parametrize("block", all_blocks(DATA), ids=str)
def test_an_example_of_variables_has_their_names(block: Block) -> None:
    data = yaml.safe_load(block.text)
    if isinstance(data, dict):
        assert [name for name in data if name not in Product(ROOT).names] == []


INLINE = [
    (page.relative_to(ROOT), command)
    for page in PAGES
    for command in re.findall(r"`(?:sudo )?(hems [^`]+|make [^`]+)`", page.read_text("utf-8"))
]


@pytest.mark.parametrize(("page", "command"), INLINE, ids=[f"{p}: {c}" for p, c in INLINE])
def test_a_command_in_a_sentence_exists(
    page: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *words = shlex.split(command.replace("\n", " ").replace("…", "x"), comments=True)
    if program == "make":
        targets = re.findall(r"^([a-z0-9-]+|\.venv):", (ROOT / "Makefile").read_text("utf-8"), re.M)
        assert words and words[0] in targets, page
        return
    try:
        cli.build_parser(words).parse_args(words)
    except SystemExit as end:
        # A command's bare name may stand for it.
        assert end.code == 0 or "arguments are required" in capsys.readouterr().err, page
