"""What a fault cost: from when to when readings could not be stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hems.cli import why
from hems.watchdog import journal
from hems.watchdog.act import Actor
from hems.watchdog.core import Observation, ProbeResult
from hems.watchdog.gaps import Gap, Track, follow

from tests.unit.watchdog_units import ANSWERS, SILENT, unit


def walk(*looks: tuple[float, Observation]) -> list[Gap]:
    track, found = Track(), []
    for now, observation in looks:
        track, gap = follow(track, observation, now)
        found += [gap] if gap else []
    return found


def observation(look: ProbeResult = ANSWERS, up_since: float = 10.0, **known: Any) -> Observation:
    return Observation(unit(up_since=up_since, **known), look, 60)


def test_what_answers_all_the_time_costs_nothing() -> None:
    assert walk(*((100.0 + 30 * number, observation()) for number in range(10))) == []


def test_a_hang_costs_the_time_between_two_answers() -> None:
    assert walk(
        (100, observation()),
        (130, observation(SILENT)),
        (135, observation(SILENT)),
        (140, observation()),
    ) == [Gap(100, 140)]


def test_a_crash_between_two_looks_is_seen_and_begins_when_systemd_saw_it() -> None:
    assert walk((100, observation()), (130, observation(up_since=120, left=118))) == [Gap(118, 130)]
    # Without systemd's word, the last answer is the bound.
    assert walk((100, observation()), (130, observation(up_since=120))) == [Gap(100, 130)]


def test_a_hang_begins_before_the_restart_that_ended_it() -> None:
    assert walk(
        (100, observation()),
        (130, observation(SILENT)),
        (170, observation(SILENT, active="deactivating")),
        (180, observation(SILENT, active="activating", left=175)),
        (200, observation(up_since=190, left=175)),
        (230, observation(up_since=190, left=175)),
    ) == [Gap(100, 200)]


def test_a_crash_that_a_look_sees_begins_when_systemd_saw_it() -> None:
    assert walk(
        (100, observation()),
        (130, observation(SILENT, active="activating", left=118, restarts=1)),
        # It ended once more before anybody looked again.
        (140, observation(SILENT, up_since=138, left=134, restarts=2)),
        (145, observation(up_since=138, left=134, restarts=2)),
    ) == [Gap(118, 145)]


def test_of_several_crashes_between_two_looks_the_first_is_not_known() -> None:
    assert walk(
        (100, observation(restarts=3)), (130, observation(up_since=128, left=125, restarts=5))
    ) == [Gap(100, 130)]


def test_a_first_look_knows_of_no_gap() -> None:
    assert walk((100, observation(SILENT)), (105, observation())) == []


def test_it_is_told_by_hems_why(tmp_path: Path) -> None:
    Actor(tmp_path, dry_run=False).note_gap("influxdb.service", Gap(100, 135))
    (entry,) = journal.read(tmp_path / journal.FILE, 5)
    told = "\n".join(why.lines([entry]))
    assert "readings were lost while influxdb.service was down" in told
    assert "it did not answer for up to 35 s" in told and "observed: from 20" in told
