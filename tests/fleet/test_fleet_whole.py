"""A release as sites get it: the whole playbook, played by the box itself."""

from __future__ import annotations

import time

from tests.fleet.box import figure
from tests.fleet.conftest import Fleet


def test_a_release_is_the_whole_playbook_and_changes_nothing_of_a_box_that_has_it(
    fleet: Fleet,
) -> None:
    box, before, begun = fleet.box, fleet.box.files(), time.monotonic()
    name = fleet.hand_out()
    said = box.update()
    assert (box.state["release"], box.problem) == (name, ""), said
    assert box.files() == before
    figure(f"a release of the whole playbook: {time.monotonic() - begun:.0f} s")
