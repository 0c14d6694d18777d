"""The fleet's releases on a box: taken once, refused, kept back, and the next one taken.

One scenario on one Pi, in this order. Each test hands out releases of its own.
"""

from __future__ import annotations

import shlex
import time

import pytest

from tests.fleet.box import figure
from tests.fleet.conftest import Fleet
from tests.fleet.plays import HEAD, LINE, LOCK, SITE
from tests.virtual.fleet.world import git

DONE = "/var/tmp/fleet-release"


def test_a_good_release_is_taken_and_readings_go_on(fleet: Fleet) -> None:
    box = fleet.box
    fleet.operator.write(SITE, HEAD + LINE.format(line=f"touch {DONE}"))
    name = fleet.hand_out()
    since, begun = box.now(), time.monotonic()
    said = box.update()
    took = time.monotonic() - begun
    assert (box.state["release"], box.state["phase"], box.problem) == (name, None, ""), said
    assert said.splitlines()[-1] == f"This box is on {name} now."
    box.check(f"rm {DONE}")
    assert box.readings(since)  # the gate waited for one
    figure(f"a release of one task: {took:.0f} s; pause {box.pause(since):.0f} s")
    fleet.restore()


def test_the_same_release_again_costs_nothing(fleet: Fleet) -> None:
    box = fleet.box
    box.check("hems update")  # the look of the day for Debian's updates
    before = box.everything()
    told = box.run("TIMEFORMAT='%R %U %S'; time hems update")
    assert told.returncode == 0 and "the release of ring canary" in told.stdout
    wall, user, system = (float(word) for word in told.stderr.split()[-3:])
    figure(f"no-op: {user + system:.2f} s CPU, {wall:.2f} s wall")
    assert user + system < 2.0
    assert box.everything() == before


REFUSALS = ("unsigned", "moved", "other", "replayed", "expired", "strange", "homeless")


@pytest.mark.parametrize("what", REFUSALS)
def test_what_is_not_as_it_was_signed_is_refused(fleet: Fleet, what: str) -> None:
    box, operator, server = fleet.box, fleet.operator, fleet.operator.server
    before, state = box.everything(), box.state
    rings = git(server, "rev-parse", "rings")
    if what == "unsigned":
        name = fleet.hand_out()
        git(server, "tag", "--force", name, f"{name}^{{commit}}")
        sentence = f"Release {name} is not signed: make releases with playbooks/release.yml."
    elif what == "moved":
        name = state["release"]
        operator.tag(name, git(server, "rev-parse", "main"))
        git(
            operator.work,
            "fetch",
            "--quiet",
            "--force",
            "origin",
            f"refs/tags/{name}:refs/tags/{name}",
        )
        operator.promote("canary", release=name)
        sentence = f"Release {name} was {state['commit'][:12]} and is "
    elif what == "other":
        name = fleet.hand_out()
        operator.tag(name, state["commit"])
        sentence = f"Release {name} is {state['commit'][:12]}, but the file of ring canary says "
    elif what == "replayed":
        git(server, "update-ref", "refs/heads/rings", f"{rings}~1")
        sentence = "The server shows an old file of ring canary (serial "
    elif what == "expired":
        operator.promote("canary", release=fleet.release(), days=0)
        sentence = "The file of ring canary has expired ("
    elif what == "strange":
        operator.key("mallory")
        name = fleet.hand_out()
        operator.tag(name, f"{name}^{{commit}}", "mallory")
        sentence = f"Release {name} is not signed by one of the fleet's signers ("
    else:
        operator.replace("inventory/virtual/hosts.yml", "    pi:", "    another:")
        fleet.hand_out()
        sentence = "The release's inventory (inventory/virtual) does not have pi: "
    box.update()
    if what == "replayed":
        git(server, "update-ref", "refs/heads/rings", rings)
    assert box.problem.startswith(sentence)
    assert box.state["release"] == state["release"] and box.everything() == before
    fleet.restore()


def test_after_every_refusal_the_next_release_is_taken(fleet: Fleet) -> None:
    assert fleet.box.problem
    fleet.operator.write(SITE, HEAD + LINE.format(line="true"))
    name = fleet.hand_out()
    fleet.box.update()
    assert (fleet.box.state["release"], fleet.box.problem) == (name, "")
    fleet.restore()


def test_a_percentage_of_a_ring_holds_the_site(fleet: Fleet) -> None:
    before = fleet.box.state["release"]
    fleet.operator.write(SITE, HEAD + LINE.format(line="true"))
    fleet.hand_out()
    fleet.operator.promote("canary", action="halt")
    fleet.box.update()
    assert fleet.box.state["release"] == before and not fleet.box.problem
    fleet.restore()


def test_a_held_site_stays_where_it_is_until_somebody_lets_it_go(fleet: Fleet) -> None:
    box = fleet.box
    fleet.operator.write(SITE, HEAD + LINE.format(line="true"))
    name = fleet.hand_out()
    before, state = box.everything(), box.state
    box.check("hems update hold --why 'the roof is being mended'")
    said = box.update()
    assert "Held: the roof is being mended" in said and box.state["release"] == state["release"]
    assert box.everything() == before and not box.problem
    box.check("hems update release")
    box.update()
    assert (box.state["release"], box.problem) == (name, "")
    fleet.restore()


def test_a_site_that_its_inventory_holds_takes_the_next_release_without_that(fleet: Fleet) -> None:
    box = fleet.box
    state, why = box.state, "the roof is being mended"
    fleet.operator.write(SITE, HEAD + LINE.format(line="true"))
    fleet.operator.set(hems_update_hold=why)
    held = fleet.hand_out()
    said = box.update()
    assert f"{held} is not for this site, as its inventory holds it: {why}." in said
    assert box.state["release"] == state["release"] and not box.problem
    fleet.operator.set(hems_update_hold="")
    name = fleet.hand_out()
    box.update()
    assert (box.state["release"], box.problem) == (name, "")
    fleet.restore()


def test_two_updates_at_once_are_one(fleet: Fleet) -> None:
    box, slow = fleet.box, "/var/tmp/fleet-slow"
    line = f"echo once >>{DONE}; while [ -e {slow} ]; do sleep 1; done"
    fleet.operator.write(SITE, HEAD + LINE.format(line=line))
    name = fleet.hand_out()
    box.check(f"touch {slow}")
    box.run("systemctl start --no-block hems-update.service")
    box.wait(lambda: box.run(f"test -e {DONE}").returncode == 0, 180)
    second = box.run("hems update")
    assert second.returncode == 1
    assert "lock is held by the update of " in second.stderr, second.stderr
    box.check(f"rm {slow}")
    box.settles(300)
    assert (box.state["release"], box.problem) == (name, "")
    assert box.check(f"cat {DONE}; rm {DONE}").split() == ["once"]
    fleet.restore()


def test_an_update_waits_for_the_end_of_a_converge_and_lets_none_in_between(fleet: Fleet) -> None:
    box, path = fleet.box, "/run/hems-root/hems.lock"
    state = box.state
    line = f"! flock --nonblock {path} true && grep -q '.work.: .update.' {path}"
    fleet.operator.write(SITE, HEAD + LOCK + LINE.format(line=line))
    name = fleet.hand_out()
    note = '{"work": "converge", "by": "laptop"}'
    hold = f"echo '{note}' >{path} && exec sleep infinity"
    box.check(f"systemd-run --quiet --unit=scenario-lock flock {path} sh -c {shlex.quote(hold)}")
    box.wait(lambda: box.run(f"flock --nonblock {path} true").returncode == 1, 60)
    box.run("systemctl start --no-block hems-update.service")
    checkout = f"/var/lib/hems-update/releases/{name}"
    box.wait(lambda: box.run(f"test -e {checkout}").returncode == 0, 180)
    assert box.state["phase"] is None and box.state["release"] == state["release"]
    box.check(f"truncate --size=0 {path}; systemctl stop scenario-lock")
    box.settles(300)
    assert (box.state["release"], box.state["bad"], box.problem) == (name, state["bad"], "")
    fleet.restore()


def test_of_ten_releases_that_a_box_has_missed_it_takes_the_newest_alone(fleet: Fleet) -> None:
    box = fleet.box
    for number in range(10):
        fleet.operator.write(SITE, HEAD + LINE.format(line=f"echo {number} >>{DONE}"))
        name = fleet.hand_out()
    begun = time.monotonic()
    said = box.update()
    figure(f"ten releases missed: {time.monotonic() - begun:.0f} s for the newest")
    assert (box.state["release"], box.problem) == (name, ""), said
    assert box.check(f"cat {DONE}; rm {DONE}").split() == ["9"]
    fleet.restore()
