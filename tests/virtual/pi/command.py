"""Running other programs: as this user or as root, their complaint turned into one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.virtual.pi.checkout import Failure


def privileged(*command: str) -> list[str]:
    """The command line that runs `command` as root from here."""
    if os.geteuid() == 0:
        return list(command)
    return ["sudo", "--", *command]


def last_line(text: str) -> str:
    """The last line that says something: where programs put the cause."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"


def output(command: Sequence[str], *, doing: str, text: str | None = None) -> str:
    """Run a command and return what it printed.

    Raises Failure("could not <doing>: <its last line>").
    """
    try:
        result = subprocess.run(
            command, input=text, capture_output=True, encoding="utf-8", check=False
        )
    except FileNotFoundError as missing:
        raise Failure(f"could not {doing}: {missing.filename} is not installed") from missing
    if result.returncode:
        raise Failure(f"could not {doing}: {last_line(result.stderr or result.stdout)}")
    return result.stdout


def succeeds(command: Sequence[str]) -> bool:
    """Whether a command exits 0; its words are dropped."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def logged(
    command: Sequence[str],
    log: Path,
    *,
    doing: str,
    environment: dict[str, str] | None = None,
    directory: Path | None = None,
) -> None:
    """Run a command with its output in `log`; a Failure names the log and its last line."""
    with log.open("w", encoding="utf-8") as stream:
        result = subprocess.run(
            command,
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=directory,
            check=False,
        )
    if result.returncode:
        cause = last_line(log.read_text(encoding="utf-8", errors="replace"))
        raise Failure(f"could not {doing}: {cause} (all of it: {log})")


def installed(program: str) -> bool:
    """Whether a program can be found."""
    return shutil.which(program) is not None
