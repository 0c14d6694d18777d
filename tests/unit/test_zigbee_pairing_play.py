"""The play's half of pairing: what it starts on the box, and what it makes of what it reads."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.modules import load_module

plugin: Any = load_module("playbooks/action_plugins/zigbee_pairing.py")
COMMAND = ["/usr/local/bin/hems", "zigbee", "pair", "--name", "meter", "--seconds", "240"]


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ({}, []),
        ({"name": "meter", "seconds": "240"}, ["--name", "meter", "--seconds", "240"]),
        ({"pulses": ""}, []),
        ({"name": "meter", "pulses": 500}, ["--name", "meter", "--pulses", "500"]),
        ({"replace": True, "in_energy": False}, ["--replace", "--no-energy"]),
        ({"replace": "no", "in_energy": "yes"}, []),
        ({"replace": "true", "in_energy": "false"}, ["--replace", "--no-energy"]),
    ],
)
def test_the_command_has_what_the_play_says(arguments: dict[str, Any], options: list[str]) -> None:
    assert plugin.pairing(arguments) == [*COMMAND[:3], *options]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            {"nam": "x"},
            "zigbee_pairing has no nam, only in_energy, name, pulses, replace, seconds.",
        ),
        ({"replace": "perhaps"}, "'perhaps' must be true or false."),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(plugin.Refusal, match=problem):
        plugin.pairing(arguments)


def run(script: str, tmp_path: Path, **programs: str) -> str:
    """Run a script where the box's programs are scripts of ours."""
    for name, text in programs.items():
        file = tmp_path / name.replace("_", "-")
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", script.replace(plugin.COMMAND, str(tmp_path / "hems"))],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_box_without_the_software_says_so(tmp_path: Path) -> None:
    said = run(plugin.start_script(COMMAND, "tag"), tmp_path, systemctl="exit 3")
    with pytest.raises(plugin.Refusal, match=r"run playbooks/site\.yml on it first"):
        plugin.attached(said, COMMAND)


def test_it_is_started_once(tmp_path: Path) -> None:
    said = run(
        plugin.start_script(COMMAND, "hems-pairing-1"),
        tmp_path,
        systemctl="exit 3",
        hems="",
        systemd_run=f"printf '%s\\n' \"$@\" >{tmp_path}/words",
    )
    assert plugin.attached(said, COMMAND) is None
    words = (tmp_path / "words").read_text().splitlines()
    assert f"--unit={plugin.UNIT}" in words
    assert "--property=SyslogIdentifier=hems-pairing-1" in words
    assert words[-4:] == COMMAND[-4:]


def test_a_name_is_never_a_shell_command(tmp_path: Path) -> None:
    name = "$(reboot); 'x"
    keep = f"printf '%s\\n' \"$@\" >{tmp_path}/words"
    script = plugin.start_script(plugin.pairing({"name": name}), "tag")
    run(script, tmp_path, systemctl="exit 3", hems="", systemd_run=keep)
    assert (tmp_path / "words").read_text().splitlines()[-1] == name


def goes_on(command: list[str]) -> str:
    return (
        'case $1 in show) echo "Description=' + shlex.join(command) + '"; '
        "echo SyslogIdentifier=hems-pairing-old;; esac"
    )


def test_the_same_pairing_is_found_again(tmp_path: Path) -> None:
    said = run(plugin.start_script(COMMAND, "new"), tmp_path, systemctl=goes_on(COMMAND))
    assert plugin.attached(said, COMMAND) == "hems-pairing-old"


def test_another_pairing_is_left_alone(tmp_path: Path) -> None:
    said = run(plugin.start_script(COMMAND, "new"), tmp_path, systemctl=goes_on(COMMAND))
    with pytest.raises(plugin.Refusal, match="Another pairing goes on on the box"):
        plugin.attached(said, [*COMMAND, "--replace"])


def test_each_look_goes_on_where_the_last_one_ended() -> None:
    first = plugin.parse("running\nJoining is open.\n-- cursor: s=1;i=2\n", "")
    assert first == plugin.Progress(["Joining is open."], "s=1;i=2", True)
    assert "--after-cursor='s=1;i=2'" in plugin.look_script("tag", first.cursor)
    silent = plugin.parse("running\n", first.cursor)
    assert silent == plugin.Progress([], "s=1;i=2", True)
    last = plugin.parse("ended\npairing ended with 0\n-- cursor: s=1;i=3\n", silent.cursor)
    assert (last.lines, last.running) == (["pairing ended with 0"], False)
    assert plugin.parse("", "c") == plugin.Progress([], "c", False)


@pytest.mark.parametrize(
    ("lines", "result"),
    [
        (["It reports.", "pairing ended with 0"], {"changed": True}),
        (
            ["Joining is open.", "hems: No meter joined.", "pairing ended with 1"],
            {"failed": True, "msg": "No meter joined."},
        ),
        (
            ["Joining is open.", "pairing ended with 130"],
            {
                "failed": True,
                "msg": "The pairing was ended on the box before a device was found: run it again.",
            },
        ),
    ],
)
def test_the_play_ends_as_the_pairing_ended(lines: list[str], result: dict[str, Any]) -> None:
    assert plugin.result(lines) == result


def test_a_pairing_that_was_killed_has_failed() -> None:
    assert "ended without a word" in plugin.result(["Joining is open."])["msg"]
    assert plugin.result([])["failed"]
