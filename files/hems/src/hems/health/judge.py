"""What was seen → which issues of the catalogue that are. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hems.health.catalogue import Issue, Kind, issue
from hems.health.dongle import DongleSeen
from hems.health.health_settings import Health
from hems.health.inside import NO_ENERGY, NOT_LOADED, RECOVERY, Entry, Inside
from hems.health.registry import Lost
from hems.health.vitals import (
    SLOWED_NOW,
    UNDER_VOLTAGE_NOW,
    UNDER_VOLTAGE_SEEN,
    Vitals,
)
from hems.home_assistant import LOADED, NEEDED, ZIGBEE
from hems.state_files.notes import Note

RUNNING = "RUNNING"
NO_CREDENTIAL = "the box has no credential for it"
NO_REASON = "it did not start; Settings, System, Logs says why"  # of an entry not loaded


@dataclass(frozen=True)
class ServiceSeen:
    """A service as the watchdog judges it; ``kind`` is the issue that what is wrong with it is."""

    kind: Kind
    unit: str
    down: bool = False
    stopped: bool = False
    given_up: bool = False
    crashing: str = ""  # how often systemd restarted it, when that is too often
    detail: str = ""


@dataclass(frozen=True)
class Blind:
    """A service that can only be looked at from outside, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class CertificateSeen:
    """The certificate that a port serves; ``days`` is None when it can't be trusted."""

    name: str
    detail: str
    days: int | None


@dataclass(frozen=True)
class Seen:
    """Everything at one moment."""

    services: tuple[ServiceSeen, ...] = ()
    internet: bool | None = None
    inside: Inside | None = None
    broken: tuple[str, ...] = ()  # why settings files can't be used
    blind: tuple[Blind, ...] = ()
    mute: str = ""  # why Home Assistant has not said for too long how it is, though it answers
    silence: float | None = None  # seconds without a meter reading; None: not looked at
    installed: str = ""  # version of Home Assistant
    vitals: Vitals | None = None
    dongle: DongleSeen | None = None
    certificates: tuple[CertificateSeen, ...] = field(default=())
    lost: tuple[Lost, ...] = ()  # entities that Home Assistant doesn't have
    meter: tuple[str, ...] = ()  # which of its entities are the meter's
    recording: bool = True  # Home Assistant's recorder
    reported: tuple[Issue, ...] = ()  # by services' own status files
    unstored: str = ""  # a reading that InfluxDB doesn't have
    blocked: tuple[Issue, ...] = ()  # of those who come from outside
    failed: tuple[tuple[str, str], ...] = ()  # helpers' units, and how they are
    exposed: tuple[tuple[str, str], ...] = ()  # services, and where they listen beyond loopback
    set_aside: tuple[Note, ...] = ()  # broken files
    tls_problem: str = ""  # why the certificates are not looked after
    gaps: str = ""  # how many readings InfluxDB lacks
    update_problem: str = ""  # why a release was not taken


def judge(seen: Seen, settings: Health) -> list[Issue]:
    """Return the issues that are seen now; how long they must last is Debounce's."""
    found = [*_services(seen.services), *_certificates(seen, settings)]
    if seen.tls_problem:
        found.append(issue("certificates_not_kept", seen.tls_problem))
    if seen.gaps:
        found.append(issue("history_gaps", seen.gaps))
    if seen.update_problem:
        found.append(issue("update_failed", seen.update_problem))
    # Of a file that broke twice, the last time.
    for file, note in {note.file: note for note in seen.set_aside}.items():
        found.append(issue("file_set_aside", str(note), file))
    if seen.internet is False:
        found.append(issue("no_internet", "none of the targets answers"))
    found.extend(issue("health_blind", one.why, one.name) for one in seen.blind)
    if seen.broken:
        found.append(issue("settings_broken", " ".join(seen.broken)))
    if seen.mute:
        found.append(issue("home_assistant_silent", seen.mute))
    if seen.inside is not None:
        found.extend(_inside(seen.inside, seen))
        found.extend(_provisioned(seen.inside, seen))
    found.extend(issue("helper_failed", how, unit) for unit, how in seen.failed)
    found.extend(seen.blocked)
    found.extend(issue("port_open", where, name) for name, where in seen.exposed)
    found.extend(seen.reported)
    if seen.unstored:
        found.append(issue("storage_stalled", seen.unstored))
    if seen.silence is not None and seen.silence >= settings.meter_silence:
        minutes = seen.silence / 60
        found.append(issue("meter_silent", f"{settings.meter}, for {minutes:.0f} min"))
    elif seen.inside is not None and seen.inside.house == NO_ENERGY:
        found.append(issue("meter_silent", f"{settings.meter} is reported, the energy is not"))
    if seen.vitals is not None:
        found.extend(_vitals(seen.vitals, settings))
    return found


def _services(services: Iterable[ServiceSeen]) -> Iterable[Issue]:
    for service in services:
        if service.stopped:
            yield issue("service_stopped", service.detail, service.unit)
        if service.down:
            yield Issue(service.kind, detail=service.detail)
        if service.given_up:
            yield issue("service_given_up", service.detail, service.unit)
        if service.crashing:
            yield issue("service_crashing", service.crashing, service.unit)


def _inside(inside: Inside, seen: Seen) -> Iterable[Issue]:
    if inside.state == RECOVERY:
        yield issue("home_assistant_recovery", f"it is {inside.state}")
    elif inside.state != RUNNING:
        yield issue("home_assistant_not_running", f"it is {inside.state}")
    if seen.installed and inside.version != seen.installed:
        detail = f"{inside.version} runs, {seen.installed} is installed"
        yield issue("home_assistant_version", detail)
    for entry in _failed(inside):
        yield _entry(entry, seen.dongle)
    if seen.dongle is not None and seen.dongle.expected and not inside.zigbee:
        yield _not_taken(seen.dongle)


def _provisioned(inside: Inside, seen: Seen) -> Iterable[Issue]:
    """What the box gave Home Assistant, and is not there any more."""
    if inside.state != RUNNING:
        return
    for domain in NEEDED:
        if not any(entry.domain == domain for entry in inside.entries):
            words = "it is switched off" if domain in inside.off else "its entry is gone"
            yield issue("integration_missing", words, domain)
    for one in seen.lost:
        code = "meter_missing" if one.entity in seen.meter else "entity_missing"
        yield issue(code, str(one), one.entity)
    if not seen.recording:
        yield issue("recorder_stopped")


def faults(inside: Inside, recording: bool) -> tuple[str, ...]:
    """Return what does not work in a Home Assistant that runs, and may work after a restart."""
    stopped = () if recording else ("its recorder has stopped",)
    broken = (entry for entry in inside.entries if entry.state != LOADED)
    return (*stopped, *(f"{entry.title} is {entry.state}" for entry in broken))


def _failed(inside: Inside) -> Iterable[Entry]:
    # Until it runs, an entry's turn may still come; in recovery mode it does not.
    waiting = "" if inside.state == RUNNING else NOT_LOADED
    return (entry for entry in inside.entries if not entry.ok and entry.state != waiting)


def _not_taken(dongle: DongleSeen) -> Issue:
    if not dongle.plugged:
        return issue("zigbee_dongle_missing", "none is plugged in")
    return issue("zigbee_down", dongle.problem or "Home Assistant does not use the dongle")


def _entry(entry: Entry, dongle: DongleSeen | None) -> Issue:
    reason = entry.reason or (NO_REASON if entry.state == NOT_LOADED else "")
    detail = ": ".join(part for part in (entry.title, entry.state, reason) if part)
    if entry.domain != ZIGBEE:
        return issue("integration_failed", detail, entry.domain)
    pulled = dongle is not None and dongle.pulled
    return issue("zigbee_dongle_missing" if pulled else "zigbee_down", detail)


def _certificates(seen: Seen, settings: Health) -> Iterable[Issue]:
    for certificate in seen.certificates:
        if certificate.days is None:
            yield issue("certificate_invalid", certificate.detail, certificate.name)
        elif certificate.days < settings.certificate_days:
            detail = f"{certificate.days} days left"
            yield issue("certificate_expiring", detail, certificate.name)


def _vitals(vitals: Vitals, settings: Health) -> Iterable[Issue]:
    full = f"{vitals.disk:.0f} % used"
    if vitals.disk >= settings.disk_critical:
        yield issue("disk_full", full)
    elif vitals.disk >= settings.disk_warning:
        yield issue("disk_filling", full)
    if vitals.memory is not None and vitals.memory < settings.memory:
        yield issue("memory_low", f"{vitals.memory:.0f} % available")
    if vitals.temperature is not None and vitals.temperature >= settings.temperature:
        yield issue("too_hot", f"{vitals.temperature:.0f} °C")
    bits = vitals.throttled or 0
    if bits & UNDER_VOLTAGE_NOW:
        yield issue("under_voltage", "now")
    elif bits & UNDER_VOLTAGE_SEEN:
        yield issue("under_voltage", "since the last start")
    if bits & SLOWED_NOW:
        yield issue("throttled", f"bits {bits:#x}")
    if vitals.synchronised is False:
        yield issue("clock_unsynchronised")
