"""When a box counts as well after an update, and when a counter has made a step."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hems.probes import Answer, Certificate
from hems.status.core import Disk, Observation, Port, Service, problems
from hems.systemd import Unit
from hems.update import gate
from hems.update.state import PLAY, Phase, Reading
from hems.update.update_settings import Window

BEFORE = Reading(1000.0, 100.0)
PHASE = Phase(PLAY, "v1.2.3", "a" * 40, 1000.0, BEFORE)


def flow(reading: Reading | None, phase: Phase = PHASE) -> str:
    return gate.flow_problem(phase, 1300.0, reading, 1360.0)


def test_readings_must_flow_again() -> None:
    assert flow(Reading(1301.0, 100.2)) == ""
    assert "no reading has reached InfluxDB" in flow(Reading(1299.0, 100.2))
    assert "no reading has reached InfluxDB" in flow(None)


def test_a_house_without_readings_is_not_asked_for_any() -> None:
    assert flow(None, Phase(PLAY, "v1.2.3", "a" * 40, 1000.0)) == ""


@pytest.mark.parametrize("energy", [99.9, 0.0, 107.0])
def test_a_step_of_the_counter_is_seen(energy: float) -> None:
    assert f"went from 100.0 kWh to {energy} kWh" in flow(Reading(1301.0, energy))


def test_a_box_must_be_well_twice_in_a_row() -> None:
    looks = [["down"], [], ["down"], [], []]
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    assert gate.wait_until_well(lambda: looks.pop(0), 900, clock=lambda: now[0], sleep=sleep) == ""
    assert looks == []


def test_the_reason_is_what_was_wrong_when_the_time_was_over() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    said = gate.wait_until_well(
        lambda: ["the broker is down"], 300, clock=lambda: now[0], sleep=sleep
    )
    assert said == "the broker is down" and now[0] == 300


def test_a_slow_machine_has_more_time_but_not_for_ever() -> None:
    assert [gate.limit(300, last) for last in (10, 200, 10_000)] == [300, 600, 900]


def test_the_window_goes_past_midnight() -> None:
    night = Window(23, 4)
    assert [hour for hour in range(24) if night.holds(hour)] == [0, 1, 2, 3, 23]
    assert [hour for hour in range(24) if Window(1, 5).holds(hour)] == [1, 2, 3, 4]
    assert all(Window(3, 3).holds(hour) for hour in range(24))


def seen(*answers: bool, certificate: bool = True, broken: tuple[str, ...] = ()) -> Observation:
    """A box whose services answer, or not."""
    services = tuple(
        Service(
            f"part {number}",
            Unit(f"{number}.service", "loaded", "active", "running", "success", 0, "enabled"),
            Answer(answer, "answers" if answer else "does not answer"),
        )
        for number, answer in enumerate(answers)
    )
    port = Port("the door", 443, Certificate(certificate, "has expired", 1e9))
    return Observation("0.1.0", "Site", "", 0.0, services, (port,), Disk("/", 9, 1, 8), (), broken)


def test_what_was_not_well_before_is_no_fault_of_a_release() -> None:
    before = seen(True, False, certificate=False, broken=("x.toml is empty.",))
    unwell = tuple(gate.ailing(before))
    assert sorted(unwell) == ["part 1", "the door", "x.toml is empty."]
    assert problems(gate.without(before, unwell)) == []
    after = seen(False, False, certificate=False, broken=("y.toml is empty.",))
    wrong = problems(gate.without(after, unwell))
    assert [one.split()[0:2] for one in wrong] == [["y.toml", "is"], ["part", "0"]]


def test_a_box_that_is_well_but_for_a_moment_has_no_excuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = [seen(False, False), seen(True, False), seen(True, True)]
    monkeypatch.setattr(gate.settings, "appliance", lambda _: None)
    monkeypatch.setattr(gate.Gate, "_look", lambda *_: looks.pop(0))
    assert gate.Gate(tmp_path, tmp_path).unwell(sleep=lambda _: None) == () and not looks
    looks = [seen(True, False)] * gate.LOOKS
    assert gate.Gate(tmp_path, tmp_path).unwell(sleep=lambda _: None) == ("part 1",)


@pytest.mark.parametrize(
    ("free", "wrong"),
    [(gate.ROOM, []), (gate.ROOM - 1, ["only 255 MiB of the card are free"])],
)
def test_a_card_that_is_nearly_full_is_not_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, wrong: list[str]
) -> None:
    # readings went on for some seconds, and the release that had filled the card was kept
    monkeypatch.setattr(gate.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    monkeypatch.setattr(gate.settings, "appliance", lambda _: None)
    monkeypatch.setattr(gate, "newest", lambda _: None)
    monkeypatch.setattr(gate, "critical", lambda _: ())
    monkeypatch.setattr(gate.Gate, "_look", lambda *_: seen(True))
    looked = gate.Gate(tmp_path, tmp_path).problems(PHASE, 1300.0)
    assert [one for one in looked if "of the card" in one] == wrong


def test_while_somebody_works_on_the_box_it_is_not_judged() -> None:
    # their converge stops and starts services; a good release was undone and blamed for that
    now, looked = 0.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def look() -> list[str]:
        looked.append(now)
        return ["Home Assistant is down"] if now < 1050 else []

    busy = [(0.0, 0.0), (100.0, 1000.0)]
    wrong = gate.wait_until_well(
        look, 120, lambda: any(a < now <= b for a, b in busy), lambda: now, sleep
    )
    assert wrong == "" and not [at for at in looked if 100 < at <= 1000]
    now = 0.0
    wrong = gate.wait_until_well(lambda: ["it is down"], 120, lambda: True, lambda: now, sleep)
    assert (wrong, now) == ("it is down", gate.BUSY - gate.PAUSE + 120)  # but not for ever
