"""A part of `make test` that runs beside others.

Its output waits in a log until it can be read in one piece.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.virtual.pi.checkout import ROOT, VENV, log_path
from tests.virtual.pi.progress import phase

PATIENCE = 20.0  # seconds that an interrupted program has to tidy up


def environment() -> dict[str, str]:
    """Return the environment that has .venv's programs, and lines of one width."""
    return {**os.environ, "PATH": f"{VENV}/bin:{os.environ['PATH']}", "COLUMNS": "120"}


def pytest(report: Path, *arguments: str) -> list[str]:
    """The command line of pytest, with a JUnit report."""
    python = str(VENV / "bin" / "python")
    return [python, "-m", "pytest", "--color=no", f"--junitxml={report}", *arguments]


class Job:
    """A program that has been started, with its children."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        niceness: int = 0,
        variables: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log_path(name)
        self._told = False
        self._read = 0  # bytes of the log
        with self.log.open("w", encoding="utf-8") as stream:
            self._process = subprocess.Popen(
                ["nice", "-n", str(niceness), *command],
                cwd=ROOT,
                env={**environment(), **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                # Its children can be ended with it. Not a session of its own: there sudo would not
                # know the password that was typed in this one.
                process_group=0,
            )

    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def new_lines(self) -> list[str]:
        """Return the whole lines that its log has got since the last call."""
        with self.log.open("rb") as stream:
            stream.seek(self._read)
            whole, newline, _ = stream.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        return whole.decode(errors="replace").splitlines()

    def tell_if_ended(self) -> None:
        """Print what a person wants to know of it, once it has ended."""
        if self.ended() and not self._told:
            self._told = True
            right = self._process.returncode == 0
            phase(f"{self.name}: {'right' if right else 'FAILED'} ({self.log})")
            text = self.log.read_text(encoding="utf-8", errors="replace")
            told = [*figures(text), (conclusion(text) if right else complaint(text)).rstrip()]
            print("\n".join(told), flush=True)

    def finish(self) -> bool:
        """Wait for its end and tell of it; whether it went right."""
        self._process.wait()
        self.tell_if_ended()
        return self._process.returncode == 0

    def end(self) -> None:
        """End it with all its children, if it still runs."""
        if self.ended():
            return
        os.killpg(self._process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        with suppress(ProcessLookupError):  # a shell's children may outlive it
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Progress:
    """What a person wants to know of pytest's tests on several workers (-v) while they run."""

    def __init__(self) -> None:
        self._tenths = 0

    def read(self, line: str) -> str | None:
        """Take one line; return a test that failed, or the percentage at each tenth of the way."""
        match = re.match(r"\[gw\d+\] \[ *(\d+)%\] (\w+) (.+)", line)
        if match is None:
            return None
        percent, outcome, test = int(match[1]), match[2], match[3].strip()
        if outcome in ("FAILED", "ERROR"):
            return f"{outcome} {test}"
        if percent // 10 > self._tenths:
            self._tenths = percent // 10
            return f"{percent} %"
        return None


def figures(text: str) -> list[str]:
    """Return what a scenario has measured, and by what seed: its lines that begin with FIGURE."""
    return [line for line in text.splitlines() if line.startswith("FIGURE ")]


def conclusion(text: str) -> str:
    """Return the last line that says something: what a program that went right has to tell."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "").strip("= ")


def complaint(text: str) -> str:
    """Return what a program that failed has to tell: all, or pytest's failures."""
    failures = re.search(r"^=+ (FAILURES|ERRORS) =+$", text, re.MULTILINE)
    return text[failures.start() :] if failures else text
