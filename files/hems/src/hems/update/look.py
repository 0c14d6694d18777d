"""A look at the ring: its release is fetched and verified, and taken if it is this box's turn."""

from __future__ import annotations

import shutil
import time
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from pathlib import Path

from hems.health import vitals
from hems.update import play
from hems.update.core import Refused, Ring, believe, is_drawn, kept_back
from hems.update.git import RINGS, GitError, Repository, Source
from hems.update.state import State, save, utc
from hems.update.update_settings import Update

BRANCH = f"refs/heads/{RINGS}"
BACKWARDS = 86400.0  # seconds that a clock may be behind the latest time that was seen


class Looker(ABC):
    """What looks at the ring and remembers what it saw."""

    def __init__(self, options: Update) -> None:
        self.options = options
        self.directory = options.directory
        self.releases = options.directory / "releases"
        self.state = State()

    @abstractmethod
    def take(self, ring: Ring, checkout: Path, now: float) -> int:
        """Take a verified release whose files are in ``checkout``; 0 when all is well."""

    def kept_back(self, repository: Repository, ring: Ring) -> str:
        """Return why a verified release's inventory keeps this box from it; empty: it does not.

        Raises Refused when it does not know the box.
        """
        why = kept_back(play.variables(repository, ring.commit, self.options), ring.release)
        if why:  # a commit never says anything else: it need not be fetched again
            self.remember(kept_back={ring.commit: why})
        return why

    def not_now(self, ring: Ring) -> str:
        """Return why the ring's release is not taken now; empty: it is."""
        if ring.commit == self.state.commit:
            return f"This box is on {ring.release}, the release of ring {ring.ring}."
        if reason := self.state.bad.get(ring.commit):
            return f"{ring.release} was undone, as {reason}; this box waits for the next release."
        if why := self.state.kept_back.get(ring.commit):
            return why
        if not is_drawn(self.options.site, ring):
            return f"{ring.release} is for {ring.percentage} % of ring {ring.ring}: not yet for us."
        return ""

    def remember(self, **changes: object) -> None:
        """Write down what changed."""
        self.state = save(self.directory, self.state.but(**changes))

    def say(self, sentence: str, *, problem: bool = False) -> None:
        """Tell people, and the watchdog where it is a problem."""
        print(sentence, flush=True)
        self.remember(result=sentence, looked=utc(time.time()))
        if problem:
            self.options.problem.write_text(sentence + "\n", encoding="utf-8")
        else:
            self.options.problem.unlink(missing_ok=True)

    def look(self, source: Source) -> int:
        """Take the ring's release if it is this box's turn; 0 when all is well. Raises OSError."""
        try:
            return self._look(source, time.time())
        except (Refused, GitError) as error:
            self.say(str(error), problem=True)
            return 1

    def _look(self, source: Source, now: float) -> int:
        if now < self.state.newest - BACKWARDS:
            sentence = "The clock is behind the last update's: nothing is judged until it is right."
            self.say(sentence, problem=True)
            return 1
        incoming = self.directory / "incoming.git"
        shutil.rmtree(incoming, ignore_errors=True)
        repository = Repository.make(incoming)
        try:
            ring = self._ring(repository, source, now)
            why = self.not_now(ring)
            if why:
                self.say(why, problem=ring.commit in self.state.bad)
                return 0
            repository.fetch(source, f"refs/tags/{ring.release}")
            repository.release_of(ring, self.options.signers)
            why = self.kept_back(repository, ring)
            if why:
                self.say(why)
                return 0
            checkout = self.releases / ring.release
            self.releases.mkdir(mode=0o700, exist_ok=True)
            play.export(repository, ring.commit, checkout)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
        return self.take(ring, checkout, now)

    def _ring(self, repository: Repository, source: Source, now: float) -> Ring:
        repository.fetch(source, BRANCH)
        ring = repository.ring(self.options.ring, self.options.signers)
        believe(ring, self.state.seen, datetime.fromtimestamp(now, UTC))
        # a clock that runs ahead, and is put right later, must not have it refuse all until then
        newest = self.state.newest if vitals.synchronised() is False else now
        self.state = save(self.directory, self.state.believing(ring).but(newest=newest))
        return ring
