"""What the watchdog decides about a service that had no room on its disk."""

from __future__ import annotations

import pytest
from hems.watchdog.core import ProbeResult, Verb

from tests.unit.watchdog_units import ANSWERS, UP, Box, unit

FULL = ProbeResult(
    False, "InfluxDB has no room", curable=False, code="disk_full", needs_restart=True
)
START = 10_000.0


def test_it_is_left_alone_and_restarted_once_when_it_is_well_again() -> None:
    box = Box(START)
    for _ in range(10):
        assert box.look(UP, FULL) == []
    assert box.memory.down
    assert box.look(UP, ANSWERS) == [Verb.RESTART]
    assert box.done[0][1].observed == "InfluxDB has no room"
    for _ in range(10):
        assert box.look(unit(up_since=box.now - 1), ANSWERS) == []
    assert not box.memory.down


@pytest.mark.parametrize(("up_since", "expected"), [(START - 1, [Verb.RESTART]), (START + 1, [])])
def test_it_waits_for_the_lock_and_a_restart_by_a_person_will_do(
    up_since: float, expected: list[Verb]
) -> None:
    box = Box(START)
    box.look(UP, FULL)
    box.locked = True
    assert box.look(UP, ANSWERS) == []
    box.locked = False
    assert box.look(unit(up_since=up_since), ANSWERS) == expected
