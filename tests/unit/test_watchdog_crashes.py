"""What systemd restarts by itself is counted too: a service that ends again and again is named."""

from __future__ import annotations

from pathlib import Path

from hems.health.judge import Seen, ServiceSeen, judge
from hems.watchdog import core, memory
from hems.watchdog.core import Memory, Verb

from tests.unit.service_entries import kind
from tests.unit.watchdog_settings import SETTINGS
from tests.unit.watchdog_units import ANSWERS, NAME, OPTIONS, SILENT, UP, Box, unit

OFTEN = "systemd has started it again more than 3 times in 60 min"


def crashing(box: Box) -> str:
    return core.crashing(box.memory, OPTIONS)


def crash(box: Box, counts: range) -> None:
    """Have the unit die before each of the looks; it always answers again."""
    for count in counts:
        assert box.look(unit(restarts=count, up_since=box.now - 1), ANSWERS) == []


def test_a_service_that_ends_again_and_again_is_named_though_it_answers() -> None:
    box = Box()
    crash(box, range(4))
    assert crashing(box) == "", "three an hour are its budget"
    crash(box, range(4, 5))
    assert crashing(box) == OFTEN
    assert not box.memory.named


def test_many_ends_between_two_looks_are_many() -> None:
    box = Box()
    crash(box, range(0, 200, 50))
    assert crashing(box) == OFTEN
    assert len(box.memory.crashes) == OPTIONS.budget + 1, "no more than needed is remembered"


def test_an_hour_without_it_closes_the_case() -> None:
    box = Box()
    crash(box, range(5))
    box.now += OPTIONS.budget_time
    crash(box, range(4, 5))
    assert crashing(box) == ""


def test_what_was_before_the_first_look_is_not_counted() -> None:
    box = Box()
    crash(box, range(70, 73))
    assert len(box.memory.crashes) == 2


def test_a_start_by_hand_is_no_crash_and_a_new_beginning() -> None:
    box = Box()
    crash(box, range(5))
    crash(box, range(1))  # systemd counts from 0 again
    assert box.memory.crashes == ()
    for _ in range(10):  # restarted by the play, again and again
        crash(box, range(1))
    assert box.memory.crashes == ()


def test_the_watchdogs_own_restart_is_neither() -> None:
    box = Box()
    crash(box, range(3))
    while not box.done:
        box.look(unit(restarts=2), SILENT)
    assert box.done[0][1].verb is Verb.RESTART
    box.look(unit(active="deactivating", sub="stop-sigterm", restarts=0), SILENT)
    crash(box, range(1))
    assert len(box.memory.crashes) == 2


def test_under_the_lock_things_may_be_tried() -> None:
    box = Box()
    crash(box, range(1))
    box.locked = True
    crash(box, range(1, 9))
    box.locked = False
    crash(box, range(8, 9))
    assert box.memory.crashes == ()


def test_what_a_person_stopped_is_still_compared_with_its_last_count() -> None:
    box = Box()
    crash(box, range(3))
    box.look(unit(active="inactive", sub="dead", restarts=2), SILENT)
    assert box.memory.counter == 2
    crash(box, range(1))
    assert box.memory.crashes == ()


def test_it_is_remembered_over_a_restart_of_the_watchdog(tmp_path: Path) -> None:
    box = Box()
    crash(box, range(5))
    memory.save_boot(tmp_path, memory.Boot(dict(box.state.units)))
    loaded = memory.load_boot(tmp_path)
    assert loaded is not None and loaded.units[NAME] == box.memory


def test_what_an_older_watchdog_remembered_is_still_read(tmp_path: Path) -> None:
    old = '{"units": {"a.service": {"misses": 2, "down": true, "restarts": [1.5]}}}'
    (tmp_path / memory.BOOT_FILE).write_text(old)
    loaded = memory.load_boot(tmp_path)
    assert loaded is not None
    assert loaded.units["a.service"] == Memory(misses=2, down=True, restarts=(1.5,))


def test_it_is_an_issue_of_its_own() -> None:
    seen = ServiceSeen(kind("influxdb_down"), UP.name, crashing=OFTEN)
    (found,) = judge(Seen(services=(seen,)), SETTINGS.health)
    assert str(found) == f"A service keeps crashing ({NAME}): {OFTEN}"
