"""A fleet of one site: the operator, the git server in the Pi's network, and the box.

HEMS_PI names a converged Pi that the scenario may change; `make fleet` makes one and removes it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest

from tests.fleet import packages
from tests.fleet.box import Box, figure
from tests.virtual.fleet.appliance import Operator
from tests.virtual.fleet.server import Server, serve
from tests.virtual.fleet.world import ENVIRONMENT, git
from tests.virtual.pi import home, play, reading
from tests.virtual.pi.checkout import log_path
from tests.virtual.pi.machine import Pi

PI = Pi(os.environ.get("HEMS_PI", "fleet"))
# The timer has to be active, and none of its own looks may come between the scenario's.
TIMER = "/etc/systemd/system/hems-update.timer.d/scenario.conf"
NEVER = "[Timer]\nOnCalendar=\nOnCalendar=2100-01-01\nPersistent=false\n"
PATIENCE = 60  # seconds that the box may take to be well, at least: a bad release is found sooner


@dataclass
class Fleet:
    """Everything of it, and the release that is good."""

    operator: Operator
    server: Server
    box: Box
    good: str = ""  # commit: its files are what each further release begins with
    _numbers: Iterator[int] = field(default_factory=count)

    def release(self) -> str:
        """Release what the operator's checkout has now; return the release's name."""
        name = f"v1.{next(self._numbers)}.0"
        self.operator.release(name)
        return name

    def hand_out(self) -> str:
        """Release what the operator's checkout has now and promote it to the box's ring."""
        name = self.release()
        self.operator.promote("canary", release=name)
        return name

    def restore(self) -> None:
        """Have the operator's checkout as the good release is."""
        self.operator.restore(self.good)


def play_from_outside(operator: Operator) -> None:
    """Run what site.yml of the operator's checkout would change on the converged Pi: one role."""
    work = operator.work
    playbook = work / "playbooks/scenario.yml"  # the role looks for the inventory from there
    playbook.write_text(play.of_roles("self_update"), encoding="utf-8")
    line = [play.command("")[0], "-i", f"{work}/inventory/virtual", str(playbook)]
    settings = {**play.environment(PI), "ANSIBLE_CONFIG": f"{work}/ansible.cfg"}
    returned, story = play.follow(line, log_path("fleet-play"), settings)
    playbook.unlink()
    assert returned == 0, f"{story.error} ({log_path('fleet-play')})"


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The box reads its meter, and was told by the operator's own play where releases are."""
    if not PI.reachable():
        pytest.exit(f"the Pi '{PI.name}' can't be reached: `make fleet` makes one", returncode=3)
    box, path = Box(PI), tmp_path_factory.mktemp("fleet")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with serve(path, box.outside()) as server:
            home.pair(PI)
            home.draw(PI, "2000")
            reading.wait(PI)
            operator = Operator(path)
            window = {"self_update_window_begin": 0, "self_update_window_end": 0}
            archives = {"self_update_archives": [packages.LABEL]}  # the scenario's own alone
            operator.begin(
                self_update_url=server.url, self_update_patience=PATIENCE, **window, **archives
            )
            box.trust(path / "server.pem")
            box.check(f"mkdir -p $(dirname {TIMER}) && cat >{TIMER}", NEVER)
            begun = time.monotonic()
            play_from_outside(operator)
            figure(f"the operator's play from outside: {time.monotonic() - begun:.0f} s")
            box.update()  # there is no ring yet; but from now on it remembers something
            good = git(operator.work, "rev-parse", "HEAD")
            yield Fleet(operator, server, box, good)
