# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Run a command in a service's sandbox, as the service's own unit describes it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

# What a unit says about its own program's life; all else of [Service] is user, sandbox and limits.
LIFE = (
    "BusName",
    "Exec",
    "FileDescriptor",
    "GuessMainPID",
    "KillMode",
    "NonBlocking",
    "Notify",
    "OOMPolicy",
    "PIDFile",
    "RemainAfterExit",
    "Restart",
    "RootDirectoryStartOnly",
    "RuntimeMax",
    "Sockets",
    "Standard",
    "Success",
    "Timeout",
    "Type",
    "Watchdog",
)
SECONDS = 300  # a configuration check on a slow card takes half a minute
ANSWER_BYTES = 4 * 1024 * 1024


class SandboxError(Exception):
    """The command failed in its sandbox; its text is its last words."""


def assignments(unit: str) -> Iterator[tuple[str, str]]:
    """Yield the assignments of all ``[Service]`` sections, as ``systemctl cat`` prints them."""
    section = ""
    # A backslash at a line's end joins the next one to it (systemd.syntax(7)).
    for line in unit.replace("\\\n", " ").splitlines():
        text = line.strip()
        if text.startswith("["):
            section = text
        elif section == "[Service]" and "=" in text and text[0] not in "#;":
            key, _, value = text.partition("=")
            yield key.strip(), value.strip()


def properties(unit: str) -> list[str]:
    """Return a unit's user, sandbox and limits as systemd-run's ``--property=`` options."""
    return [
        f"--property={key}={value}" for key, value in assignments(unit) if not key.startswith(LIFE)
    ]


def command(unit: str, words: list[str], seconds: int = SECONDS) -> list[str]:
    """Return the command line that runs ``words`` in the sandbox that ``unit`` (its text) has."""
    own = ["--pipe", "--wait", "--collect", "--quiet", "--service-type=exec"]
    own += [f"--property=RuntimeMaxSec={seconds}", "--property=TimeoutStopSec=5"]
    return ["systemd-run", *own, *properties(unit), "--", *words]


def run(name: str, words: list[str], seconds: int = SECONDS) -> str:
    """Run a command in the sandbox of the unit ``name`` and return its standard output.

    Raises SandboxError, also when it takes longer than ``seconds`` or says too much.
    """
    cat = subprocess.run(["systemctl", "cat", name], capture_output=True, text=True, check=False)
    if cat.returncode:
        raise SandboxError(" ".join(cat.stderr.split()))
    with subprocess.Popen(
        command(cat.stdout, words, seconds),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
    ) as child:
        assert child.stdout is not None
        said = child.stdout.read(ANSWER_BYTES + 1)
        child.stdout.close()  # who goes on writing ends by that
        code = child.wait()
    text = said.decode(errors="replace")
    if len(said) > ANSWER_BYTES:
        raise SandboxError(f"it said more than {ANSWER_BYTES} bytes")
    if code:
        raise SandboxError(" ".join(text.split())[-400:] or f"it ended with exit code {code}")
    return text
