"""Every issue of the catalogue that the box can see is raised by what causes it, and cleared."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hems.health.catalogue import KINDS, Issue
from hems.health.dongle import DongleSeen, pulled
from hems.health.inside import RECOVERY, Entry, Inside
from hems.health.judge import Blind, CertificateSeen, Seen, ServiceSeen, faults, judge
from hems.health.registry import Lost
from hems.health.vitals import Vitals
from hems.state_files.notes import Note

from tests.unit.service_entries import kind
from tests.unit.watchdog_settings import SETTINGS

OPTIONS = SETTINGS.health
LOADED = Entry("mqtt", "MQTT", "loaded", "")
STORES = Entry("influxdb", "InfluxDB", "loaded", "")
BOTH = (LOADED, STORES)
INSIDE = Inside("RUNNING", "2026.10.4", BOTH, "2026-11-22T07:15:04+00:00", zigbee=True)
VITALS = Vitals(40.0, 60.0, 55.0, 0, True)
SERVICES = tuple(
    ServiceSeen(kind(code), f"{code}.service")
    for code in (
        "broker_down",
        "influxdb_down",
        "home_assistant_down",
        "door_down",
        "door_login_down",
        "editor_down",
        "name_down",
        "network_manager_down",
    )
)
WELL = Seen(
    services=SERVICES,
    internet=True,
    inside=INSIDE,
    silence=5.0,
    installed="2026.10.4",
    vitals=VITALS,
    dongle=DongleSeen(),
    certificates=(CertificateSeen("the door", "valid", 300),),
)


def seen(**changes: Any) -> Seen:
    return dataclasses.replace(WELL, **changes)


def service(code: str, /, **changes: Any) -> Seen:
    return seen(
        services=tuple(
            dataclasses.replace(one, **changes) if one.kind.code == code else one
            for one in SERVICES
        )
    )


def inside(**changes: Any) -> Seen:
    return seen(inside=dataclasses.replace(INSIDE, **changes))


def vitals(**changes: Any) -> Seen:
    return seen(vitals=dataclasses.replace(VITALS, **changes))


ZIGBEE = (*BOTH, Entry("zha", "Dongle", "setup_retry", "could not open port"))
POWER = Lost("sensor.meter_power")

TIC = ("down", "unplugged", "silent", "unreadable", "damaged")
MQTT = ("mqtt_message_set_aside", "mqtt_account_full")
REPORTED = (*MQTT, "d2l_down", "d2l_refused", "d2l_silent", *(f"tic_{code}" for code in TIC))

RAISED = [
    *((code, seen(reported=(Issue(kind(code)),))) for code in REPORTED),
    ("broker_down", service("broker_down", down=True, detail="does not answer")),
    ("influxdb_down", service("influxdb_down", down=True)),
    ("influxdb_refuses", service("influxdb_down", down=True, kind=kind("influxdb_refuses"))),
    ("home_assistant_down", service("home_assistant_down", down=True)),
    ("door_down", service("door_down", down=True)),
    ("door_login_down", service("door_login_down", down=True)),
    ("editor_down", service("editor_down", down=True)),
    ("service_stopped", service("editor_down", stopped=True)),
    ("service_crashing", service("editor_down", crashing="more than 3 times")),
    ("no_internet", seen(internet=False)),
    ("health_blind", seen(blind=(Blind("it", "refuses"),), inside=None, silence=None)),
    ("settings_broken", seen(broken=("/etc/hems/hems.toml is not TOML.",))),
    ("home_assistant_not_running", inside(state="STARTING")),
    ("home_assistant_recovery", inside(state=RECOVERY)),
    ("home_assistant_silent", seen(inside=None, mute="no answer in time")),
    ("home_assistant_version", inside(version="2026.9.1")),
    ("integration_failed", inside(
        entries=(LOADED, Entry("influxdb", "", "setup_retry", "refused"))
    )),
    ("integration_missing", inside(entries=(LOADED,))),
    ("integration_missing", inside(entries=(STORES,), off=frozenset({"mqtt"}))),
    ("entity_missing", seen(lost=(Lost("sensor.hems_power"),))),
    ("meter_missing", seen(lost=(POWER,), meter=(POWER.entity,), silence=None)),
    ("recorder_stopped", seen(recording=False)),
    ("storage_stalled", seen(unstored="sensor.meter_power of 12:00 is not there")),
    ("helper_failed", seen(failed=(("hems-tls.service", "failed"),))),
    ("port_open", seen(exposed=(("home-assistant.service", "0.0.0.0:8124"),))),
    ("door_blocked", seen(blocked=(Issue(kind("door_blocked")),))),
    ("broker_unreachable", seen(blocked=(Issue(kind("broker_unreachable")),))),
    ("name_down", service("name_down", down=True)),
    ("network_manager_down", service("network_manager_down", down=True)),
    ("zigbee_down", inside(entries=ZIGBEE)),
    ("zigbee_dongle_missing", dataclasses.replace(
        inside(entries=ZIGBEE), dongle=DongleSeen(pulled="/dev/serial/by-id/usb-1")
    )),
    ("zigbee_dongle_missing", dataclasses.replace(
        inside(zigbee=False), dongle=DongleSeen(plugged=False)
    )),
    ("zigbee_down", dataclasses.replace(
        inside(zigbee=False), dongle=DongleSeen(problem="it has no Zigbee firmware")
    )),
    ("zigbee_down", inside(zigbee=False)),
    ("meter_silent", seen(silence=600.0)),
    ("meter_silent", inside(house="no_energy")),
    ("disk_filling", vitals(disk=85.0)),
    ("disk_full", vitals(disk=95.0)),
    ("disk_full", service("influxdb_down", down=True, kind=kind("disk_full"))),
    ("memory_low", vitals(memory=7.9)),
    ("too_hot", vitals(temperature=80.0)),
    ("under_voltage", vitals(throttled=0x1)),
    ("under_voltage", vitals(throttled=0x10000)),
    ("throttled", vitals(throttled=0x4)),
    ("clock_unsynchronised", vitals(synchronised=False)),
    ("certificate_invalid", seen(certificates=(CertificateSeen("door", "expired", None),))),
    ("history_gaps", seen(gaps="12 readings in 2 gaps")),
    ("update_failed", seen(update_problem="v1.2.3 was undone, as it fails.")),
    ("certificates_not_kept", seen(tls_problem="The site's CA has lost its key")),
    ("file_set_aside", seen(set_aside=(Note("2026-11-26T12:00:00+00:00", "/a", "a.broken", "it was "
        "empty", "lost is a", "Do b."),) * 2)),
    ("certificate_expiring", seen(certificates=(CertificateSeen("door", "valid", 13),))),
]  # fmt: skip


def test_a_healthy_box_has_no_issue() -> None:
    assert judge(WELL, OPTIONS) == []


def test_a_box_that_nothing_is_known_of_yet_has_no_issue() -> None:
    assert judge(Seen(), OPTIONS) == []


@pytest.mark.parametrize(("code", "what"), RAISED, ids=[code for code, _ in RAISED])
def test_a_cause_raises_its_issue_alone_and_its_end_clears_it(code: str, what: Seen) -> None:
    assert [item.kind.code for item in judge(what, OPTIONS)] == [code]
    assert judge(WELL, OPTIONS) == []


def test_a_service_that_was_given_up_is_named_beside_what_is_wrong_with_it() -> None:
    found = judge(service("door_down", down=True, given_up=True, detail="timed out"), OPTIONS)
    assert [item.kind.code for item in found] == ["door_down", "service_given_up"]
    assert str(found[1]) == "A service does not recover (door_down.service): timed out"


def test_every_kind_has_a_producer() -> None:
    produced = {code for code, _ in RAISED} | {"service_given_up"}
    assert set(KINDS) - produced == {"watchdog_silent"}, "its producer is health.store"


@pytest.mark.parametrize("domain", ["mqtt", "zha"])
def test_an_entry_whose_integration_could_not_start_is_one(domain: str) -> None:
    others = (one for one in BOTH if one.domain != domain)
    left = inside(entries=(*others, Entry(domain, "It", "not_loaded", "")))
    (found,) = judge(left, OPTIONS)
    assert found.kind.code == ("zigbee_down" if domain == "zha" else "integration_failed")
    assert found.detail == "It: not_loaded: it did not start; Settings, System, Logs says why"
    assert found.kind.hold >= 60, "a reload is over before"


@pytest.mark.parametrize("state", ["NOT_RUNNING", "STARTING", "STOPPING", RECOVERY])
def test_an_entry_whose_turn_has_not_come_is_none(state: str) -> None:
    waiting = inside(state=state, entries=(LOADED, Entry("mqtt", "MQTT", "not_loaded", "")))
    assert "integration_failed" not in {item.kind.code for item in judge(waiting, OPTIONS)}


def test_an_entry_that_is_set_up_again_and_again_is_one() -> None:
    trying = inside(entries=(*BOTH, Entry("zha", "Dongle", "setup_in_progress", "")))
    assert [item.kind.code for item in judge(trying, OPTIONS)] == ["zigbee_down"]
    assert KINDS["zigbee_down"].hold >= 60, "a start's own set-up is over before"


def test_an_integration_is_named_with_its_reason() -> None:
    entry = Entry("influxdb", "InfluxDB", "setup_retry", "connection refused")
    (found,) = judge(inside(entries=(LOADED, entry)), OPTIONS)
    assert (found.subject, found.detail) == (
        "influxdb",
        "InfluxDB: setup_retry: connection refused",
    )


def test_a_site_without_zigbee_misses_no_dongle() -> None:
    nothing = DongleSeen(expected=False, plugged=False)
    assert judge(dataclasses.replace(inside(zigbee=False), dongle=nothing), OPTIONS) == []


def test_why_a_dongle_was_not_taken_is_told() -> None:
    dongle = DongleSeen(problem="It has no Zigbee firmware: flash it.")
    (found,) = judge(dataclasses.replace(inside(zigbee=False), dongle=dongle), OPTIONS)
    assert found.detail == "It has no Zigbee firmware: flash it."


@pytest.mark.parametrize(
    ("reason", "adopted", "expected"),
    [
        ("[Errno 2] No such file: '/dev/serial/by-id/usb-1'", "", "/dev/serial/by-id/usb-1"),
        ("could not open port /dev/ttyUSB0: [Errno 2]", "/dev/there", "/dev/ttyUSB0"),
        ("[Errno 5] Input/output error: '/dev/there'", "/dev/gone", ""),
        ("", "/dev/gone", "/dev/gone"),
        ("", "/dev/there", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_a_pulled_dongle_is_told_from_a_broken_one(
    reason: str, adopted: str, expected: str
) -> None:
    entries = [Entry("zha", "", "setup_retry", reason), Entry("mqtt", "", "setup_retry", "/dev/x")]
    assert pulled(entries, adopted, lambda path: path == Path("/dev/there")) == expected


def test_what_was_switched_off_is_told_from_what_was_removed() -> None:
    gone = inside(entries=(), off=frozenset({"mqtt"}))
    found = {item.subject: item.detail for item in judge(gone, OPTIONS)}
    assert found == {"mqtt": "it is switched off", "influxdb": "its entry is gone"}


@pytest.mark.parametrize("state", ["STARTING", RECOVERY])
def test_until_it_runs_nothing_of_it_is_missing(state: str) -> None:
    starting = inside(state=state, entries=())
    late = dataclasses.replace(starting, lost=(POWER,), recording=False)
    codes = {item.kind.code for item in judge(late, OPTIONS)}
    assert not {"integration_missing", "entity_missing", "recorder_stopped"} & codes


def test_what_a_restart_may_cure_is_told() -> None:
    broken = dataclasses.replace(
        INSIDE, entries=(LOADED, Entry("zha", "Dongle", "setup_error", ""))
    )
    assert faults(INSIDE, recording=True) == ()
    assert faults(broken, recording=False) == (
        "its recorder has stopped",
        "Dongle is setup_error",
    )
