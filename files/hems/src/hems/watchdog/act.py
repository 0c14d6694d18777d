"""Carry out what was decided, and write down what was done and why before it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hems import HemsError, systemd
from hems.process import say
from hems.watchdog import journal, network_manager
from hems.watchdog.core import Action, Verb
from hems.watchdog.gaps import Gap

GAP = "gap"  # the journal's verb for readings that were lost

MOST_LINES = 100_000  # more than the log can have


def utc(ago: float = 0.0) -> str:
    """Return the time for people, now or ``ago`` seconds before: UTC, ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))


@dataclass(frozen=True)
class Orders:
    """The orders that the watchdog can give; tests put others in their place."""

    restart: Callable[[str], object] = systemd.order_restart
    kill: Callable[[str], object] = systemd.kill
    reboot: Callable[[], object] = systemd.reboot
    activate: Callable[[], object] = network_manager.activate
    stop_hotspot: Callable[[], object] = network_manager.stop_hotspot


class Actor:
    """Does things, and keeps the log of them in ``directory``."""

    def __init__(self, directory: Path, dry_run: bool, orders: Orders | None = None) -> None:
        self._log = directory / journal.FILE
        self._versions = directory / journal.VERSIONS
        self._dry_run = dry_run
        self._orders = orders or Orders()

    def carry_out(self, action: Action, before: Callable[[], None] = lambda: None) -> bool:
        """Do one thing, or say that it would be done; return False when it was refused.

        ``before`` runs first when it is really done; when that fails, so does the whole.
        """
        words = f"{action.verb.value} {action.subject}: {action.cause}; observed: {action.observed}"
        if self._dry_run:
            say(f"dry run, would {words}")
            return True
        say(words)
        self.note(action.verb.value, action.subject, action.cause, action.observed)
        try:
            before()
            self._do(action)
        except (HemsError, OSError) as error:
            say(f"{action.verb.value} {action.subject} failed: {error}")
            self.note("failed", action.subject, f"{action.verb.value} was refused", str(error))
            return False
        return True

    def note(self, verb: str, subject: str, cause: str, observed: str) -> None:
        """Write a line into the log; a full disk must not stop the healing."""
        try:
            entry = journal.Entry(utc(), verb, subject, cause, observed)
            journal.append(self._log, str(entry))
        except OSError as error:
            say(f"the log can't be written: {error}")

    def note_gap(self, unit: str, gap: Gap) -> None:
        """Write down what a fault cost that has just ended."""
        cause = f"it did not answer for up to {gap.seconds:.0f} s"
        self.note(GAP, unit, cause, f"from {utc(gap.seconds)} to {utc()}")

    def noted(self, verb: str) -> list[journal.Entry]:
        """Return the log's lines of a verb."""
        try:
            return [entry for entry in journal.read(self._log, MOST_LINES) if entry.verb == verb]
        except OSError:
            return []

    def has_rebooted(self) -> bool:
        """Whether the last thing done was a reboot, by the watchdog or in its place."""
        try:
            last = journal.read(self._log, 1)
        except OSError:
            return False
        return bool(last) and last[0].verb == Verb.REBOOT.value

    def note_version(self, words: str) -> None:
        """Write a line into version.txt, unless its last one says the same."""
        try:
            if journal.last_line(self._versions).endswith(f" {words}"):
                return
            journal.append(self._versions, f"{utc()} {words}")
        except OSError as error:
            say(f"version.txt can't be written: {error}")

    def _do(self, action: Action) -> None:
        match action.verb:
            case Verb.RESTART:
                self._orders.restart(action.subject)
            case Verb.KILL:
                self._orders.kill(action.subject)
            case Verb.REBOOT:
                self._orders.reboot()
            case Verb.ACTIVATE:
                self._orders.activate()
            case Verb.STOP_HOTSPOT:
                self._orders.stop_hotspot()
