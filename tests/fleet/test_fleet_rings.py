"""Three sites, each in a ring of its own: who takes a release, and who does not yet."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import pytest
from hems.update.core import draw

from playbooks.fleet.checkout import FleetError
from tests.fleet.box import Box, figure
from tests.fleet.conftest import Fleet
from tests.fleet.plays import HEAD, LINE, SITE
from tests.virtual.pi import converged, inventory, reading
from tests.virtual.pi.checkout import IDENTITY
from tests.virtual.pi.machine import Pi
from tests.virtual.pi.podman import answers

IMAGE = f"localhost/hems-fleet-pi:{IDENTITY}"
RINGS = ("canary", "early", "stable")
SITES = {"canary": "pi", "early": "early_01", "stable": "stable_01"}  # of the inventory, by ring
SETTINGS = "/etc/hems/update.toml"


def join(box: Box, site: str, ring: str) -> None:
    """Have the box be a site of a ring."""
    values = f's/^site = .*/site = "{site}"/; s/^ring = .*/ring = "{ring}"/'
    box.check(f"sed -i '{values}' {SETTINGS}")


@pytest.fixture(scope="module")
def boxes(fleet: Fleet) -> Iterator[dict[str, Box]]:
    """The box of the ring canary, and two that begin as copies of it, by their rings."""
    made = {"canary": fleet.box}
    converged.keep(fleet.box.pi, IMAGE)
    fleet.box.pi.create()
    try:
        for ring in RINGS[1:]:
            pi = Pi(f"{fleet.box.pi.name}-{ring}")
            pi.destroy()
            made[ring] = Box(pi)
            pi.create(base=IMAGE, hostname=inventory.value("hems_hostname"))
            join(made[ring], SITES[ring], ring)
        for box in made.values():
            reading.entities(box.pi)
            box.flows(300)
        others = "".join(f"    {SITES[ring]}: {{}}\n" for ring in RINGS[1:])
        fleet.operator.replace("inventory/virtual/hosts.yml", "    pi:\n", f"{others}    pi:\n")
        yield made
    finally:
        for ring in RINGS[1:]:
            if ring in made:
                made[ring].pi.destroy()
        answers("rmi", IMAGE)
        join(fleet.box, SITES["canary"], "canary")
        fleet.restore()


def release(fleet: Fleet) -> str:
    """Release something that is soon done."""
    fleet.operator.write(SITE, HEAD + LINE.format(line="true"))
    return fleet.release()


def look(boxes: Mapping[str, Box]) -> dict[str, str]:
    """Have each box look as its timer does; return the releases that they are on."""
    for box in boxes.values():
        box.update()
    return {ring: box.state.get("release", "") for ring, box in boxes.items()}


def test_a_good_release_walks_from_ring_to_ring(fleet: Fleet, boxes: dict[str, Box]) -> None:
    on = {ring: box.state.get("release", "") for ring, box in boxes.items()}
    name, begun = release(fleet), time.monotonic()
    for place, ring in enumerate(RINGS):
        for later in RINGS[place + 1 :]:
            with pytest.raises(FleetError, match=f"Ring {later} comes after"):
                fleet.operator.promote(later, release=name)
        fleet.operator.promote(ring, release=name)
        on[ring] = name
        assert look(boxes) == on
        assert not boxes[ring].problem
        boxes[ring].flows()
    figure(f"a release walked through three rings: {time.monotonic() - begun:.0f} s")


def test_a_percentage_holds_exactly_the_sites_that_it_should(
    fleet: Fleet, boxes: dict[str, Box]
) -> None:
    before = {ring: box.state["release"] for ring, box in boxes.items()}
    for ring, box in boxes.items():
        join(box, SITES[ring], "stable")
    name = release(fleet)
    for ring in RINGS[:2]:
        fleet.operator.promote(ring, release=name)
    draws = {ring: draw(SITES[ring], name) for ring in RINGS}
    percentage = int(min(draws.values())) + 1
    reached = {ring for ring in RINGS if draws[ring] < percentage}
    assert 0 < len(reached) < len(RINGS)
    figure(f"{percentage} % reach {len(reached)} of {len(RINGS)} sites")
    fleet.operator.promote("stable", release=name, percentage=percentage)
    assert look(boxes) == {ring: name if ring in reached else before[ring] for ring in RINGS}
    fleet.operator.promote("stable", release=name, percentage=100)
    assert look(boxes) == dict.fromkeys(RINGS, name)
    assert not [box.problem for box in boxes.values() if box.problem]
