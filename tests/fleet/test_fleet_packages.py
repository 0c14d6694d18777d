"""Debian's updates pass the same gate as a release, and the versions before come back."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator

import pytest

from tests.fleet.box import Box, figure
from tests.fleet.conftest import Fleet
from tests.fleet.packages import Archive

SETTINGS = "/etc/scenario-tool.conf"
PROGRAM = "/usr/lib/scenario-tool/run"
CURED = "nft delete table inet scenario 2>/dev/null; true"


def cut(box: Box) -> str:
    """Lines that cut the box off from the Internet, but not from this machine."""
    network = ipaddress.ip_network(f"{box.pi.address()}/24", strict=False)
    rules = "table inet scenario { chain output { type filter hook output priority 0; "
    rules += f"ip daddr != {{ 127.0.0.0/8, {network} }} drop; }}; }}"
    return f"{CURED}\necho '{rules}' | nft -f -"


def update(box: Box) -> str:
    """Look for Debian's updates now; return what it said."""
    done = box.run("hems update packages")
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def archive(fleet: Fleet) -> Iterator[Archive]:
    """Version 1 is installed, because something else needs it, and has an engineer's settings."""
    made = Archive(fleet.box)
    made.begin()
    made.add("scenario-tool", "1", {SETTINGS: "theirs\n", PROGRAM: "#!/bin/sh\n"}, CURED)
    fleet.box.check("apt-get -q update && apt-get -q -y install scenario-tool")
    fleet.box.check(f"apt-mark auto scenario-tool; echo mine >{SETTINGS}")
    yield made
    made.end()


def as_before(box: Box) -> tuple[str, bool]:
    """Return the engineer's settings, and whether the package is still one of automatic choice."""
    auto = "scenario-tool" in box.check("apt-mark showauto").split()
    return box.check(f"cat {SETTINGS}").strip(), auto


def test_an_update_is_installed_once(fleet: Fleet, archive: Archive) -> None:
    box = fleet.box
    release = box.state["release"]
    archive.add("scenario-tool", "2", {SETTINGS: "theirs, newer\n", PROGRAM: "#!/bin/sh\n"}, CURED)
    since, begun = box.now(), time.monotonic()
    said = update(box)
    took = time.monotonic() - begun
    assert archive.versions() == {"scenario-tool": "2"}, said
    assert as_before(box) == ("mine", True)
    assert box.state["packages"].endswith("is installed (1 package)."), said
    assert (box.problem, box.state["phase"], box.state["release"]) == ("", None, release)
    figure(f"a package of Debian: {took:.0f} s in all; pause {box.pause(since):.0f} s")
    assert "Debian has no updates for this box." in update(box)


def test_one_that_cuts_the_uplink_is_undone_and_the_next_version_taken(
    fleet: Fleet, archive: Archive
) -> None:
    box = fleet.box
    box.check(f"rm -f {SETTINGS}.dpkg-dist")
    before = box.condition()
    archive.add("scenario-new", "1")
    files = {SETTINGS: "theirs, newest\n", PROGRAM: "#!/bin/sh\nexit 1\n"}
    archive.add("scenario-tool", "3", files, cut(box), depends="scenario-new")
    begun = time.monotonic()
    said = update(box)
    took = time.monotonic() - begun
    assert "was undone, as the Internet does not answer any more" in box.problem, said
    assert box.problem.endswith("; the box is as it was and well."), said
    assert archive.versions() == {"scenario-tool": "2"}
    assert as_before(box) == ("mine", True)
    # dpkg leaves its author's settings beside the engineer's, of whatever version was there last
    box.check(f"rm -f {SETTINGS}.dpkg-dist")
    assert box.condition() == before
    box.flows()
    figure(f"a package that cuts the uplink, undone: {took:.0f} s")
    assert "Debian has no updates for this box." in update(box)  # not tried again
    assert archive.versions() == {"scenario-tool": "2"} and box.problem
    archive.add("scenario-tool", "4", {SETTINGS: "theirs\n", PROGRAM: "#!/bin/sh\n"}, CURED)
    said = update(box)
    assert (archive.versions(), box.problem) == ({"scenario-tool": "4"}, ""), said
    assert as_before(box) == ("mine", True)


def test_the_power_goes_while_dpkg_works(fleet: Fleet, archive: Archive) -> None:
    box = fleet.box
    archive.add("scenario-tool", "5", {SETTINGS: "x\n", PROGRAM: "#!/bin/sh\n"}, "sleep 600")
    box.run("systemd-run --quiet --unit=scenario-update hems update packages")
    box.wait(lambda: box.run("pgrep -f '[s]cenario-tool.postinst'").returncode == 0, 300)
    box.cut_power()
    took = box.settles(900)
    assert archive.versions() == {"scenario-tool": "4"}, box.told()
    assert as_before(box) == ("mine", True)
    assert "was undone, as it was interrupted once; the box is as it was" in box.state["packages"]
    box.flows()
    figure(f"power cut while dpkg works: well {took:.0f} s after the boot")


def test_what_still_runs_the_version_before_restarts_the_box(
    fleet: Fleet, archive: Archive
) -> None:
    box = fleet.box
    archive.add("scenario-tool", "6", {SETTINGS: "x\n", PROGRAM: "#!/bin/sh\n"}, CURED)
    # a program of a package, which the next version replaces while it runs
    box.check(f"cp /bin/sleep {PROGRAM}.old && mv {PROGRAM}.old {PROGRAM}")
    box.check(f"systemd-run --quiet --unit=scenario-sleep {PROGRAM} 3600")
    started = "cut -d' ' -f22 /proc/1/stat"  # of the first process: a container has no boot id
    boot = box.check(started)
    box.run("systemd-run --quiet --unit=scenario-update hems update packages")
    box.wait(lambda: box.run(started).stdout not in ("", boot), 600)
    took = box.settles(900)
    assert archive.versions() == {"scenario-tool": "6"}, box.told()
    assert box.state["packages"].endswith("is installed (1 package).")
    box.flows()
    figure(f"restarted for a package: well {took:.0f} s after the boot")
