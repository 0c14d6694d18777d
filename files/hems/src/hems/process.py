"""What every daemon of the box does as a process: its journal, signals, credentials and its end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from hems import HemsError, settings

FAILED = 1


class Stopped(Exception):
    """SIGTERM or SIGINT came."""


def say(line: str) -> None:
    """Write a line to the journal."""
    print(line, file=sys.stderr, flush=True)


class Surroundings:
    """What systemd gives a daemon, by systemd.exec(5): where its files are, and its credentials."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.settings = Path(environment.get("HEMS_SETTINGS", settings.DIRECTORY))
        self.state = Path(environment.get("STATE_DIRECTORY", ""))
        self.runtime = Path(environment.get("RUNTIME_DIRECTORY", ""))
        self._credentials = Path(environment.get("CREDENTIALS_DIRECTORY") or "/nonexistent")

    def credential_file(self, name: str) -> Path:
        """Return where one of LoadCredential='s secrets is, for a program that wants a file."""
        return self._credentials / name

    def credential(self, name: str) -> str:
        """Return one of LoadCredential='s secrets, without its last newline. Raises HemsError."""
        try:
            text = self.credential_file(name).read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise HemsError(
                f"The credential {name} can't be read ({why}): run the whole playbook."
            ) from error
        if not text:
            raise HemsError(f"The credential {name} is empty: run the whole playbook.")
        return text


def on_stop(action: Callable[[], object]) -> None:
    """Have SIGTERM and SIGINT do something, in place of ending the process."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: action())


def raise_on_stop() -> None:
    """Have SIGTERM and SIGINT raise Stopped, wherever the process is."""

    def stop() -> None:
        raise Stopped

    on_stop(stop)


def run(daemon: Callable[[Surroundings], object]) -> int:
    """Run a daemon until it returns; what a person can put right ends it in one sentence.

    Returns the process's exit code.
    """
    try:
        daemon(Surroundings())
    except (HemsError, OSError) as error:  # a port that is taken, a directory that is not there
        say(str(error))
        return FAILED
    return 0
