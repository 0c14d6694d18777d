"""What looks after Home Assistant and the broker for hems-discovery, with its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from hems import probes, systemd
from hems.discovery import report, shelf
from hems.discovery.book import Retained, own
from hems.discovery.quota import Quota, said
from hems.discovery.trial import PROOF_SECONDS, Seen, Trial
from hems.process import say
from hems.settings import Appliance
from hems.systemd import SystemdError

LOOK_SECONDS = 2.0
PAGE = "/manifest.json"  # given without a log-in
PROOF = "HEMS_DISCOVERY_PROOF"  # seconds that a message is on trial; the tests have less time


@dataclass
class Guard:
    """The trial and the quota; ``kept`` holds messages set aside, ``run`` the report."""

    kept: Path
    run: Path
    see: Callable[[bool], Seen]  # whether to ask when its start began
    trial: Trial
    quota: Quota = field(default_factory=Quota)
    _looked: float | None = None
    _told: list[report.Told] | None = None

    @classmethod
    def of(cls, appliance: Appliance, environment: Mapping[str, str]) -> Self:
        """Return the one of this box, in the directories that systemd gives. Raises OSError."""
        unit, port = appliance.home_assistant.unit, appliance.ports.home_assistant
        accounts = own(appliance.accounts)
        trial = Trial(float(environment.get(PROOF, PROOF_SECONDS)), accounts)
        guard = cls(
            Path(environment["STATE_DIRECTORY"]),
            Path(environment["RUNTIME_DIRECTORY"]),
            lambda doubt: home_assistant(unit, port, doubt),
            trial,
            Quota(accounts),
        )
        trial.refused |= {one.message for one in shelf.read(guard.kept)}
        guard.report()
        return guard

    def look(self, now: float) -> list[Retained]:
        """Look at Home Assistant if it is time; return what to publish."""
        if self._looked is not None and now - self._looked < LOOK_SECONDS:
            return []
        self._looked = now
        waited = len(self.trial.withheld)
        messages = self.trial.look(self.see(self.trial.doubts), now)
        for message in self.trial.fresh:
            self._set_aside(message)
        if len(self.trial.withheld) > waited:
            say("Home Assistant hung twice: it starts without what devices announce.")
        for message in messages:
            if message.payload:
                say(f"Home Assistant hears {message.topic} again.")
        return messages

    def connected(self, payload: bytes) -> None:
        """Take Home Assistant's own word for whether it hears the broker."""
        if payload in (b"online", b"offline"):
            self.trial.connected(payload == b"online")

    def counted(self, now: float, *, complete: bool) -> None:
        """End a count of what is retained, and tell who had too much."""
        before = self.quota.over
        self.quota.finish(now, complete=complete)
        for line in said((name, n) for name, n in self.quota.over.items() if name not in before):
            say(line)
        self.report()

    def report(self) -> None:
        """Write what is wrong, if that has changed. A full disk must not stop the vetting."""
        told = report.issues(shelf.read(self.kept), self.quota, self.kept)
        if told == self._told:
            return
        try:
            report.write(self.run, told)
        except OSError as error:
            say(f"{self.run / report.FILE} can't be written: {error}")
        else:
            self._told = told

    def _set_aside(self, message: Retained) -> None:
        say(f"Home Assistant hung after {message.topic}: it does not hear that again.")
        try:
            shelf.put(self.kept, message, datetime.now(UTC))
        except OSError as error:
            say(f"it can't be kept in {self.kept}: {error}")
        self.report()


def home_assistant(unit: str, port: int, doubt: bool) -> Seen:
    """Return how Home Assistant is; systemd is asked in doubt, or when it does not answer."""
    answers = probes.http(port, PAGE).ok
    if answers and not doubt:
        return Seen(up=True, answers=True)
    try:
        seen = systemd.units([unit])[unit]
    except SystemdError as error:
        say(str(error))
        return Seen(up=True, answers=answers)
    return Seen(seen.is_up, answers and seen.is_up, seen.begun)
