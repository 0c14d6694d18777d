"""The power is cut in the middle of an update: the box is on one of two releases, and well.

What is cut is every process at once; what the kernel had not yet written to the card is not lost
by it, as it would be on a Pi.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from statistics import median

import pytest

from tests.fleet.box import Box, figure
from tests.fleet.conftest import Fleet
from tests.fleet.plays import HEAD, LINE, ROLE, SITE

SLOW = "/var/tmp/fleet-slow"  # while it is there, a play does not come to its end
UNDO = 900.0  # seconds
CUTS = int(os.environ.get("CUTS", "3"))
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
BROKER = "/etc/mosquitto/mosquitto.conf"


def change(fleet: Fleet, messages: int, line: str = "true") -> str:
    """Hand out a release that changes the broker's settings; return its name."""
    fleet.operator.set(mosquitto_queued_messages=messages)
    fleet.operator.write(SITE, HEAD + ROLE.format(name="mosquitto") + LINE.format(line=line))
    return fleet.hand_out()


def step(box: Box) -> str:
    """Return the step of an update that is under way."""
    return str((box.state["phase"] or {}).get("step", ""))


def test_a_cut_in_the_play_and_one_in_undoing_it_are_nobodys_fault(fleet: Fleet) -> None:
    box = fleet.box
    before = box.condition()
    name = change(fleet, 1018, f"while [ -e {SLOW} ]; do sleep 1; done")
    box.check(f"touch {SLOW}")
    box.run("systemctl start --no-block hems-update.service")
    box.wait(lambda: step(box) == "play", 180)
    kept = "/var/lib/hems-update/snapshot"
    size = box.check(f"du --summarize --block-size=1M {kept}").split()[0]
    assert not box.check(f"find {kept} -name '*.tar' -perm /077")  # secrets are among it
    box.wait(lambda: "1018" in box.run(f"cat {BROKER}").stdout, 300)
    box.cut_power()
    box.wait(lambda: step(box) == "undo", 180)
    box.cut_power()
    took = box.settles(UNDO)
    assert box.condition() == before and box.state["phase"] is None
    assert box.state["cuts"][box.state["commits"][name]] == 1 and not box.problem
    box.flows()
    figure(f"undone {took:.0f} s after the second power cut; snapshot {size} MiB")
    box.check(f"rm {SLOW}")
    box.update()
    assert (box.state["release"], box.problem, box.state["cuts"]) == (name, "", {})
    fleet.restore()


@pytest.fixture(scope="module")
def chance() -> random.Random:
    """Where the power is cut; the seed makes a run again."""
    figure(f"power cuts: CUTS={CUTS} SEED={SEED}")
    return random.Random(SEED)


@pytest.fixture(scope="module")
def seconds() -> Iterator[list[float]]:
    """What the cuts took, each from the update's begin; told when all are done."""
    each: list[float] = []
    yield each
    if each:
        figure(f"{len(each)} power cuts: median {median(each):.0f} s, longest {max(each):.0f} s")


@pytest.mark.parametrize("number", range(CUTS))
def test_a_cut_at_any_moment_leaves_one_of_two_releases(
    fleet: Fleet, chance: random.Random, seconds: list[float], number: int
) -> None:
    box = fleet.box
    state = box.state
    name = change(fleet, 2000 + number)
    moment, begun = chance.uniform(0, 45), time.monotonic()
    box.run("systemctl start --no-block hems-update.service")
    time.sleep(moment)
    had = box.readings(box.now() - 600)
    at = step(box) or "nothing"
    box.cut_power()
    box.settles(UNDO)
    flowed = box.flows()
    taken = box.state["release"] == name
    assert taken or box.state["release"] == state["release"]
    assert (f"max_queued_messages {2000 + number}" in box.check(f"cat {BROKER}")) == taken
    assert set(had) <= set(box.readings(had[0][0] - 1))
    box.check("hems status")
    took = time.monotonic() - begun
    seconds.append(took)
    where = "new" if taken else "old"
    figure(
        f"cut after {moment:.1f} s, in {at}: the {where} release, well {took:.0f} s after its "
        f"begin, with readings {flowed:.0f} s later"
    )
    if not taken:
        box.update()
        assert (box.state["release"], box.problem) == (name, "")
    fleet.restore()
