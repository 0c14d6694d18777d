"""Judge what was observed: what is wrong, in sentences, and whether anything is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from hems.health.store import Report
from hems.health.store import as_json as issue_as_json
from hems.lock import Holder
from hems.probes import Answer, Certificate
from hems.systemd import Unit

# The renewal timer acts a month before; so late, it has failed.
CERTIFICATE_DAYS = 7
DISK_FULL_PERCENT = 95
DAY_SECONDS = 86400
# In recovery mode Home Assistant answers, and does nothing of what it is for.
RECOVERY = "home_assistant_recovery"


@dataclass(frozen=True)
class Service:
    """One part: its unit, and the answer to its protocol's probe (None where it has none)."""

    name: str
    unit: Unit
    answer: Answer | None

    @property
    def ok(self) -> bool:
        """Whether it runs and answers."""
        return self.unit.is_up and (self.answer is None or self.answer.ok)


@dataclass(frozen=True)
class Port:
    """A port that serves a certificate."""

    name: str
    number: int
    certificate: Certificate


@dataclass(frozen=True)
class Disk:
    """A file system's use in bytes."""

    path: str
    total: int
    used: int
    free: int  # for those who aren't root

    @property
    def percent(self) -> float:
        """The share in use, as df(1) reckons it: root's reserve counts as used up."""
        return 100 * self.used / ((self.used + self.free) or 1)


@dataclass(frozen=True)
class Observation:
    """Everything that was looked at, at one moment."""

    version: str
    site: str
    url: str
    now: float  # Unix seconds
    services: tuple[Service, ...]
    ports: tuple[Port, ...]
    disk: Disk
    addresses: tuple[str, ...] = field(default=())
    broken: tuple[str, ...] = ()  # services' entries that can't be used, a sentence each
    lock: Holder | None = None
    health: Report = field(default_factory=lambda: Report(()))  # of the watchdog


def days_left(certificate: Certificate, now: float) -> int | None:
    """Return the whole days until a certificate ends."""
    if certificate.not_after is None:
        return None
    return int((certificate.not_after - now) // DAY_SECONDS)


def _service_problems(services: Iterable[Service]) -> Iterable[str]:
    for service in services:
        unit = service.unit
        if unit.load != "loaded":
            yield f"{service.name} is {unit.load} ({unit.name}): run the whole playbook."
        elif not unit.is_up:
            yield f"{service.name} is {unit}: 'journalctl -u {unit.name}' says why."
        elif service.answer is not None and not service.answer.ok:
            detail = service.answer.detail
            yield f"{service.name} {detail}: 'journalctl -u {unit.name}' says why."
        elif unit.enabled == "disabled":
            yield (
                f"{service.name} would not start after a reboot: "
                f"type 'sudo systemctl enable {unit.name}'."
            )


def _certificate_problems(ports: Iterable[Port], now: float) -> Iterable[str]:
    for port in ports:
        left = days_left(port.certificate, now)
        if not port.certificate.ok:
            yield (
                f"The certificate of {port.name} (port {port.number}) can't be trusted "
                f"({port.certificate.detail}): run the whole playbook, role tls makes it anew."
            )
        elif left is not None and left < CERTIFICATE_DAYS:
            yield (
                f"The certificate of {port.name} (port {port.number}) ends in {left} days: "
                "'journalctl -u hems-tls' says why it was not renewed."
            )


def problems(seen: Observation) -> list[str]:
    """Return one sentence for each thing that is wrong; none means OK."""
    found = [*seen.broken, *_service_problems(seen.services)]
    found += _certificate_problems(seen.ports, seen.now)
    found += [
        f"{item.kind.title}: {item.kind.cure}"
        for item in seen.health.issues
        if item.kind.code == RECOVERY
    ]
    if seen.disk.percent >= DISK_FULL_PERCENT:
        found.append(
            f"The disk ({seen.disk.path}) is {seen.disk.percent:.0f} % full: remove old backups, "
            "or use a larger card."
        )
    return found


def as_json(seen: Observation) -> dict[str, Any]:
    """Return the observation and its judgement for programs (``hems status --json``)."""
    found = problems(seen)
    return {
        "ok": not found,
        "problems": found,
        "version": seen.version,
        "site": seen.site,
        "url": seen.url,
        "addresses": list(seen.addresses),
        "services": [
            {
                "name": service.name,
                "unit": service.unit.name,
                "ok": service.ok,
                "active": service.unit.active,
                "sub": service.unit.sub,
                "restarts": service.unit.restarts,
                "answer": service.answer.detail if service.answer else None,
            }
            for service in seen.services
        ],
        "certificates": [
            {
                "name": port.name,
                "port": port.number,
                "ok": port.certificate.ok,
                "detail": port.certificate.detail,
                "days_left": days_left(port.certificate, seen.now),
            }
            for port in seen.ports
        ],
        "health": [issue_as_json(item) for item in seen.health.issues],
        "lock": asdict(seen.lock) if seen.lock else None,
        "disk": {**asdict(seen.disk), "percent": round(seen.disk.percent, 1)},
    }
