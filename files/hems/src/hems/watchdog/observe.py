"""Look at the box: services at every look, the rest once a round."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from pathlib import Path

from hems import HemsError, internet, lock, probes, systemd
from hems.health import inside, meter, vitals
from hems.health.catalogue import KINDS, Issue
from hems.health.health_settings import Health
from hems.health.judge import NO_CREDENTIAL, Blind, CertificateSeen, ServiceSeen
from hems.home_assistant import BANNED, UNAUTHORISED, ZIGBEE, Access, HomeAssistantError
from hems.process import say
from hems.services import REPORTS, Certificate, Entry
from hems.watchdog import core, network_manager
from hems.watchdog.core import Observation, ProbeResult
from hems.watchdog.watchdog_settings import Services
from hems.watchdog.watched import Service

PATIENCE = 2  # rounds: the third without an answer counts
CERTIFICATE_SECONDS = 600.0  # between two looks at the certificates
ECHO_SECONDS = 1.0  # that the first echoes may take …
DOUBT_SECONDS = 2.0  # … and, when none is answered, second ones and the TCP connections
DAY_SECONDS = 86400
NAME = "Home Assistant"
BANNED_ITSELF = (
    "it has banned the box's own address: remove 127.0.0.1 from ip_bans.yaml and restart it"
)
NOT_ASKED = ProbeResult(False, "is not asked, as its unit is down")


def observations(services: Sequence[Service]) -> list[Observation]:
    """Look at every service at the same time.

    Raises SystemdError when systemd can't be asked.
    """
    units = systemd.units(service.unit for service in services)
    services = [
        one for one in services if not (one.optional and units[one.unit].load == systemd.MISSING)
    ]
    with ThreadPoolExecutor(max_workers=len(services) + 1) as pool:
        answers = [
            pool.submit(service.probe) if units[service.unit].is_up else None
            for service in services
        ]
        return [
            Observation(
                units[service.unit], answer.result() if answer else NOT_ASKED, service.start
            )
            for service, answer in zip(services, answers, strict=True)
        ]


def judged(
    services: Iterable[Service],
    state: core.State,
    observations: Iterable[Observation],
    settings: Services,
) -> tuple[ServiceSeen, ...]:
    """Return each service as what is remembered of it tells, under the issue that this is."""
    looks = {observation.unit.name: observation.result for observation in observations}
    found = []
    for service in services:
        remembered, look = state.of(service.unit), looks.get(service.unit)
        found.append(
            ServiceSeen(
                KINDS[look.code] if look and look.code else service.kind,
                service.unit,
                down=remembered.named,
                stopped=remembered.stopped,
                given_up=core.given_up(remembered, settings),
                crashing=core.crashing(remembered, settings),
                detail=remembered.detail,
            )
        )
    return tuple(found)


def is_locked(path: Path) -> bool:
    """Whether somebody works on the box; a lock that can't be asked counts as held."""
    try:
        return lock.holder(path) is not None
    except HemsError:
        return True


def reachable(targets: Sequence[str]) -> bool | None:
    """Whether the Internet answers, within 3 s; None when this box may not ask.

    A network that drops echoes still has Internet: without an answer, TCP is tried as well.
    """
    if internet.reachable(targets, ECHO_SECONDS) is not None:
        return True
    if _answers_in_doubt(targets):
        return True
    return False if targets and internet.may_ask() else None


def _answers_in_doubt(targets: Sequence[str]) -> bool:
    calls = list(product(targets, internet.PORTS))
    with ThreadPoolExecutor(max_workers=len(calls) + 1) as pool:
        echo = pool.submit(internet.reachable, targets, DOUBT_SECONDS)
        taken = [pool.submit(internet.connects, *call, DOUBT_SECONDS) for call in calls]
        return echo.result() is not None or any(one.result() for one in taken)


def hotspot() -> str:
    """Return the UUID of a hotspot that is open; a NetworkManager that can't be asked has none."""
    if not network_manager.available():
        return ""
    try:
        found = network_manager.hotspot()
    except HemsError:
        return ""
    return found.uuid if found else ""


def told(path: Path) -> str:
    """Return what a service of root's says is wrong; empty when it says nothing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def installed_version(link: Path) -> str:
    """Return the release that the link names; empty when there is none."""
    try:
        return link.readlink().name
    except OSError:
        return ""


def measured(path: Path) -> vitals.Vitals | None:
    """Return the box's measures."""
    try:
        return vitals.measure(path)
    except OSError as error:
        say(f"the disk can't be asked: {error}")
        return None


@dataclass(frozen=True)
class View:
    """Home Assistant from inside, as far as what it last said still counts."""

    inside: inside.Inside | None = None
    fresh: bool = False  # said in this round
    silence: float | None = None  # seconds since the meter's last fresh reading
    mute: str = ""  # why it has not said for too long how it is, though it answers

    @property
    def running(self) -> str:
        """The version that runs; empty when it was not said in this round."""
        return self.inside.version if self.inside is not None and self.fresh else ""


class HomeAssistant:
    """Home Assistant from inside; after one refusal its token is not sent again.

    A round without an answer changes nothing yet: what was said before counts for PATIENCE rounds.
    """

    def __init__(self, access: Access, settings: Health, now: float, refused: str = "") -> None:
        """``refused`` is the digest of a token that was refused before."""
        self._access, self._settings = access, settings
        self._digest = hashlib.sha256(access.token.encode()).hexdigest()
        self.refused = refused if refused == self._digest else ""
        self._banned = False
        self._clock = meter.MeterClock(now)
        self._last: inside.Inside | None = None
        self._missed = 0  # rounds in a row without an answer …
        self._mute = 0  # … of these the last in a row in which it answered from outside

    @property
    def blind(self) -> list[Blind]:
        """Why it can't be looked into."""
        if not self._access.token:
            return [Blind(NAME, NO_CREDENTIAL)]
        if self.refused:
            return [Blind(NAME, "it refuses the box's token")]
        return [Blind(NAME, BANNED_ITSELF)] if self._banned else []

    def look(self, now: float, up: bool, others: Sequence[str] = (), called: str = "") -> View:
        """Return what it says at ``now`` (monotonic s); it is asked only when ``up``, answering.

        ``others`` and ``called``: see ``inside.look``.
        """
        if self.refused or not self._access.token:
            return View()
        if not up:
            return self._recall(now, "")
        try:
            seen = inside.look(self._access, self._settings.meter, others, called)
        except HomeAssistantError as error:
            self.refused = self._digest if error.code == UNAUTHORISED else ""
            # A banned address may ask again: it is answered so before anything is counted.
            self._banned = error.code == BANNED
            return View() if self.blind else self._recall(now, str(error))
        self._banned = False
        self._last, self._missed, self._mute = seen, 0, 0
        silence = self._clock.silence({"reported": seen.meter}, now)
        # Asked only in doubt, as it takes a connection of its own.
        doubtful = silence >= self._settings.meter_silence / 2
        if doubtful and seen.meter is not None and seen.has(ZIGBEE):
            silence = self._clock.silence({"heard": self._last_seen()}, now)
        gone = self._settings.meter in seen.missing and not called
        return View(seen, True, None if gone else silence)  # another issue says that it is gone

    def _recall(self, now: float, reason: str) -> View:
        self._missed += 1
        self._mute = self._mute + 1 if reason else 0
        if self._missed > PATIENCE:
            self._last = None
        known = bool(reason) or self._last is not None
        silence = self._clock.silence({}, now) if known else None
        return View(self._last, False, silence, reason if self._mute > PATIENCE else "")

    def _last_seen(self) -> str | None:
        try:
            return meter.last_seen(self._access, self._settings.meter)
        except HemsError as error:
            say(f"the Zigbee devices can't be asked: {error}")
            return None


def reported(entries: Iterable[Entry], now: float) -> tuple[Issue, ...]:
    """Return what services' own status files say, at ``now`` (monotonic s)."""
    found: list[Issue] = []
    for entry in entries:
        if entry.reports:
            found.extend(import_module(f"{REPORTS}.{entry.reports}").look(now, entry.named))
    return tuple(found)


class Certificates:
    """The certificates that the box serves, looked at now and then."""

    def __init__(self, entries: Iterable[Entry], host: str, ca: Path) -> None:
        self._host, self._ca = host, ca
        self._served = [one.certificate for one in entries if one.certificate]
        self._looked: float | None = None
        self._seen: tuple[CertificateSeen, ...] = ()

    def look(self, now: float) -> tuple[CertificateSeen, ...]:
        """Return how long each lasts; one whose port does not answer is another issue's matter."""
        if self._looked is None or now - self._looked >= CERTIFICATE_SECONDS:
            self._looked = now
            found = [self._one(served) for served in self._served]
            self._seen = tuple(one for one in found if one is not None)
        return self._seen

    def _one(self, served: Certificate) -> CertificateSeen | None:
        name = served.name
        shown = probes.certificate(served, self._host, self._ca)
        if shown.not_after is not None:
            # A certificate ends at a time on the wall: this is no duration of ours.
            days = int((shown.not_after - time.time()) // DAY_SECONDS)
            return CertificateSeen(name, shown.detail, days)
        if shown.detail.startswith("does not answer"):
            return None
        return CertificateSeen(name, shown.detail, None)
