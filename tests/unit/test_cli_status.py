"""The judgement of ``hems status``, and how it is shown."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hems import cli
from hems.cli import status as command
from hems.health.catalogue import issue
from hems.health.store import Report
from hems.lock import Holder
from hems.probes import Answer, Certificate
from hems.services import Entry
from hems.status.core import Disk, Observation, Port, Service, as_json, problems
from hems.status.survey import parse_addresses, parts
from hems.systemd import Unit

from tests.unit.service_entries import entries

NOW = 1_800_000_000.0


def titles(found: Mapping[str, Entry]) -> set[str]:
    return {title for title, _, _ in parts(found, "cottage.local")}


DAY = 86_400
GIB = 1024**3


def unit(name: str = "influxdb.service", **changes: Any) -> Unit:
    good = Unit(name, "loaded", "active", "running", "success", 0, "enabled")
    return dataclasses.replace(good, **changes)


def observation(
    service: Service | None = None, certificate: Certificate | None = None, **changes: Any
) -> Observation:
    healthy = Observation(
        version="0.1.0",
        site="Cottage",
        url="https://cottage.local/",
        now=NOW,
        services=(service or Service("InfluxDB", unit(), Answer(True, "answers")),),
        ports=(Port("the door", 443, certificate or Certificate(True, "valid", NOW + 300 * DAY)),),
        disk=Disk("/var/lib/hems", 32 * GIB, 8 * GIB, 22 * GIB),
        addresses=("192.0.2.7",),
    )
    return dataclasses.replace(healthy, **changes)


def test_a_healthy_box_has_no_problem() -> None:
    assert problems(observation()) == []


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        (
            observation(
                Service("InfluxDB", unit(active="failed", sub="failed", result="oom-kill"), None)
            ),
            "InfluxDB is failed (failed, oom-kill): 'journalctl -u influxdb.service' says why.",
        ),
        (
            observation(Service("InfluxDB", unit(), Answer(False, "does not answer: timed out"))),
            "InfluxDB does not answer: timed out: 'journalctl -u influxdb.service' says why.",
        ),
        (
            observation(Service("InfluxDB", unit(load="not-found", active="inactive"), None)),
            "InfluxDB is not-found (influxdb.service): run the whole playbook.",
        ),
        (
            observation(Service("InfluxDB", unit(enabled="disabled"), Answer(True, "answers"))),
            "InfluxDB would not start after a reboot: "
            "type 'sudo systemctl enable influxdb.service'.",
        ),
        (
            observation(certificate=Certificate(True, "valid", NOW + 6.5 * DAY)),
            "The certificate of the door (port 443) ends in 6 days: "
            "'journalctl -u hems-tls' says why it was not renewed.",
        ),
        (
            observation(certificate=Certificate(False, "certificate has expired")),
            "The certificate of the door (port 443) can't be trusted (certificate has expired): "
            "run the whole playbook, role tls makes it anew.",
        ),
        (
            observation(broken=("/etc/hems/services.d/x.toml is not TOML: Expected '='.",)),
            "/etc/hems/services.d/x.toml is not TOML: Expected '='.",
        ),
        (
            observation(disk=Disk("/var/lib/hems", 32 * GIB, 30 * GIB, GIB)),
            "The disk (/var/lib/hems) is 97 % full: remove old backups, or use a larger card.",
        ),
        (
            observation(health=Report((issue("home_assistant_recovery"),))),
            "Home Assistant can't read its configuration: "
            f"{issue('home_assistant_recovery').kind.cure}",
        ),
    ],
)
def test_each_problem_is_one_sentence_with_a_cure(seen: Observation, sentence: str) -> None:
    assert problems(seen) == [sentence]
    assert as_json(seen)["ok"] is False


def test_an_issue_of_the_watchdog_is_no_problem_of_a_part() -> None:
    assert problems(observation(health=Report((issue("meter_silent"),)))) == []


@pytest.mark.usefixtures("site_clock")
def test_a_held_lock_is_shown_and_no_problem() -> None:
    seen = observation(lock=Holder("converge", "laptop", 7, "2026-11-22T05:00:00Z"))
    assert problems(seen) == []
    assert (
        "ok  Lock                 held by the converge of laptop since 2026-11-22 06:00:00"
        in list(command.lines(seen))
    )


def test_programs_get_everything() -> None:
    seen = json.loads(json.dumps(as_json(observation())))
    assert seen["ok"] is True
    assert seen["problems"] == []
    assert seen["services"][0] == {
        "name": "InfluxDB",
        "unit": "influxdb.service",
        "ok": True,
        "active": "active",
        "sub": "running",
        "restarts": 0,
        "answer": "answers",
    }
    assert seen["certificates"][0]["days_left"] == 300
    assert seen["disk"]["percent"] == 26.7
    assert seen["lock"] is None


def test_a_part_that_is_switched_off_is_not_asked_for() -> None:
    less = entries(mosquitto_lan_enabled=False)
    assert titles(entries()) - titles(less) == {"MQTT by TLS"}
    without = {name: entry for name, entry in less.items() if name != "configurator"}
    assert titles(less) - titles(without) == {"File editor"}


def test_what_a_box_without_a_keyboard_asks_for_is_shown_in_order() -> None:
    shown = [title for title, _, _ in parts(entries(), "cottage.local")]
    assert shown[0] == "MQTT broker" and shown[-2:] == ["MQTT by TLS", "Through the door"]
    assert {"LEDs", "NetworkManager", "ssh"}.isdisjoint(shown)
    (through,) = (unit for title, unit, _ in parts(entries(), "") if title == "Through the door")
    assert through == "nginx.service"


def test_addresses_are_those_that_others_can_use() -> None:
    links = [
        {"addr_info": [{"local": "127.0.0.1", "scope": "host"}]},
        {
            "addr_info": [
                {"local": "192.0.2.7", "scope": "global"},
                {"local": "2001:db8::7", "scope": "global"},
                {"local": "2001:db8::77", "scope": "global", "temporary": True},
                {"local": "fe80::7", "scope": "link"},
            ]
        },
        {},
    ]
    assert parse_addresses(json.dumps(links)) == ("192.0.2.7", "2001:db8::7")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[[Observation], None]:
    def show(seen: Observation) -> None:
        monkeypatch.setattr(command, "observe", lambda *_: seen)
        monkeypatch.setattr(command.settings, "appliance", lambda: None)

    return show


def test_the_exit_code_tells_programs(
    shown: Callable[[Observation], None], capsys: pytest.CaptureFixture[str]
) -> None:
    shown(observation())
    assert cli.main(["status"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "OK"
    shown(observation(certificate=Certificate(False, "certificate has expired")))
    assert cli.main(["status"]) == 1
    assert "NOT OK: The certificate" in capsys.readouterr().out
    assert cli.main(["status", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_whoever_stops_reading_is_not_shouted_at(
    shown: Callable[[Observation], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown(observation())

    class Closed:
        def write(self, _text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

        def fileno(self) -> int:
            return self.file.fileno()

        file = (tmp_path / "out").open("w")

    monkeypatch.setattr("sys.stdout", Closed())
    assert cli.main(["status"]) == 1
    Closed.file.close()
