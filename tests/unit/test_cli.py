"""The ``hems`` command line: its errors are one line, and passwords are root's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hems
import pytest
from hems import cli
from hems.cli import zigbee


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["stauts"], "invalid choice: 'stauts'"),
        (["status", "--jsn"], "unrecognized arguments: --jsn"),
        (["passwords", "now"], "unrecognized arguments: now"),
        (["zigbee"], "the following arguments are required: COMMAND"),
        (["zigbee", "adpot"], "invalid choice: 'adpot'"),
        (["zigbee", "restore"], "the following arguments are required: FILE"),
    ],
)
def test_a_wrong_command_line_is_answered_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert error.startswith("hems: ")
    assert "--help' shows" in error


def test_every_command_has_a_module() -> None:
    directory = Path(cli.__file__).parent
    groups = {path.parent.name for path in directory.glob("*/__init__.py")}
    assert {path.stem for path in directory.glob("[a-z]*.py")} | groups == set(
        cli.COMMANDS | cli.of_services()
    )
    assert {path.stem for path in (directory / "zigbee").glob("[a-z]*.py")} == set(zigbee.COMMANDS)


def test_a_group_shows_its_commands_and_imports_only_the_one_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["zigbee", "--help"])
    assert caught.value.code == 0
    assert set(zigbee.COMMANDS) <= set(capsys.readouterr().out.split())
    parser = cli.build_parser(["zigbee", "restore"])
    options = parser.parse_args(["zigbee", "restore", "net.json", "--dongle", "/dev/x"])
    assert (options.file, options.dongle) == (Path("net.json"), "/dev/x")
    with pytest.raises(SystemExit):
        cli.build_parser(["zigbee", "info"]).parse_args(["zigbee", "restore", "net.json"])


def test_the_release_is_the_directory_it_runs_from() -> None:
    assert hems.release("/opt/hems/0.1.0-0123456789ab") == "0.1.0-0123456789ab"
    assert hems.release("/home/dev/.venv") == hems.__version__


def test_version_needs_no_box(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"hems {hems.__version__}")


def test_the_command_imports_little_before_it_knows_what_to_do() -> None:
    program = "import sys, hems.cli; hems.cli.build_parser(); print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-S", "-c", program]
    loaded = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    heavy = {"msgspec", "ssl", "subprocess", "socket", "json", "tomllib", "concurrent.futures"}
    assert heavy & set(loaded.stdout.split()) == set()


def test_a_persons_mistake_is_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("hems.settings.appliance.__defaults__", (tmp_path,))
    assert cli.main(["status"]) == 1
    said = capsys.readouterr().err
    assert (
        said
        == f"hems: There is no {tmp_path}/hems.toml: run the whole playbook, role hems writes it.\n"
    )


def test_only_root_sees_passwords(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cli.main(["passwords"]) == 1
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err == "hems: Only root may read the passwords: type 'sudo hems passwords'.\n"
