"""`make arm64`: from nothing to an appliance on 64-bit ARM that was seen to work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.virtual.arm64 import clock, disk, machine
from tests.virtual.arm64.machine import DIRECTORY, PI
from tests.virtual.pi import home, host, network, play, reading, substitutes, up
from tests.virtual.pi.checkout import CACHE, ROOT, STATE, Failure, log_path
from tests.virtual.pi.command import last_line, output
from tests.virtual.pi.progress import detail, elapsed, phase
from tests.virtual.zigbee import on_pi

NEEDED = {CACHE: 6.0, STATE: 10.0}  # gigabytes: the kept disk, and what the play puts over it
PLAYED = DIRECTORY / "played"  # of what the play read when it came to its end
PROVE = Path(__file__).parent / "prove.py"
REPOSITORY = DIRECTORY / "apt"
STARTING = 2400.0  # seconds for Home Assistant, whose first start computes a lot
SETTLING = 1200.0  # seconds in which a reading must come, or `hems status` be content
PAIRING = 240  # seconds that joining is open
# An ssh connection takes half a minute to open where all of it is emulated.
PATIENCE = {"ANSIBLE_TIMEOUT": "240"}
# What the site says of itself beside the virtual inventory: it may take its time.
SITE = {
    "firewall_undo_seconds": 600,
    "home_assistant_start_seconds": 2400,
    "hems_status_tries": 200,
}
VENVS = "find /opt -name pyvenv.cfg -printf '%h\\n' | sort"
COMPILERS = ("cc", "gcc", "clang", "rustc", "go")


class Steps:
    """The steps of a run and how long each took, told at its end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.took: list[tuple[str, float]] = []

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """One step, announced; its time counts also when it fails."""
        phase(words)
        begun = self._clock()
        try:
            yield
        finally:
            self.took.append((words, self._clock() - begun))

    def table(self) -> str:
        """Return the times as lines."""
        return "".join(
            f"  {int(seconds) // 60:>4}:{int(seconds) % 60:02}  {words}\n"
            for words, seconds in self.took
        )


def run() -> None:
    """Do what is not done yet, and see that it works. Raises Failure."""
    steps = Steps()
    try:
        _run(steps)
    finally:
        print(f"\nTimes, in minutes and seconds ({elapsed()} in all):\n{steps.table()}", end="")


def _run(steps: Steps) -> None:
    with steps.step("Check this machine"):
        host.require_root()
        up.install_packages([*host.PACKAGES, *disk.PACKAGES])
        if not machine.DISK.exists():
            host.require_space(NEEDED)
        network.require()
    with steps.step("Make the ARM machine's disk, or find it kept"):
        kept = disk.build()
    one = machine.Machine(kept)
    try:
        with steps.step("Boot the machine"):
            one.start()
        appliance(steps)
        with steps.step("Reboot the machine"):
            one.reboot()
        working(steps, "after the reboot")
    finally:
        with steps.step("Shut the machine down"):
            one.stop()


def appliance(steps: Steps) -> None:
    """Make the machine an appliance with a meter, and see that all of it works. Raises Failure."""
    with steps.step("Give it the local apt repository, the time and the simulated dongle"):
        told = provide()
    if is_played():
        phase("Find playbooks/site.yml run, and nothing it reads changed since")
    else:
        with steps.step("Run playbooks/site.yml"):
            converge(told)
    with steps.step("Pair the meter"):
        reading.entities(PI, STARTING)
        home.pair(PI, PAIRING)
    working(steps, "after the play")
    with steps.step("Import every wheel of every venv"):
        wheels()


def provide() -> dict[str, object]:
    """Have on the machine what stands for downloads and hardware. Raises Failure.

    Returns the variables that the play has to be told, beside those that it reads.
    """
    substitutes.provide()
    told: dict[str, object] = dict(SITE)
    if substitutes.offered():
        builder = [sys.executable, "-m", "tests.virtual.apt_repository", "--architecture", "arm64"]
        doing = "build the local InfluxDB repository for arm64"
        made = json.loads(last_line(output([*builder, "--output", str(REPOSITORY)], doing=doing)))
        if not made["real"]:  # it has no Flux
            told["hems_rollups_enabled"] = False
        there = substitutes.ON_THE_PI
        packed = subprocess.run(
            ["tar", "-C", str(REPOSITORY), "-cf", "-", "."], capture_output=True, check=True
        ).stdout
        unpack = PI.ssh(f"rm -rf {there} && mkdir -p {there} && tar -C {there} -xf -")
        if subprocess.run(unpack, input=packed, check=False).returncode:
            raise Failure(f"could not copy the local InfluxDB repository to {there}")
    clock.install(PI)
    on_pi.install(PI)
    return told


def converge(told: dict[str, object]) -> None:
    """Run playbooks/site.yml, naming each role as it begins. Raises Failure."""
    log = log_path(f"site-{PI.name}")
    variables = play.environment(PI) | PATIENCE
    command = play.command(str(play.SITE), "--extra-vars", json.dumps(told))
    inputs = play.inputs()  # they may be edited meanwhile
    returned, story = play.follow(command, log, variables)
    if returned:
        raise Failure(f"playbooks/site.yml stopped {story.error} (all of it: {log})")
    PLAYED.write_text(inputs, encoding="ascii")


def is_played() -> bool:
    """Whether site.yml has run to its end on this disk, and what it reads is as then."""
    return PLAYED.exists() and PLAYED.read_text(encoding="ascii") == play.inputs()


def working(steps: Steps, when: str) -> None:
    """See a reading come through the whole path, and everything live. Raises Failure."""
    with steps.step(f"Wait for the meter's reading in InfluxDB, {when}"):
        reading.entities(PI, STARTING)
        last = reading.wait(PI, SETTLING)
        runs = substitutes.runs(last.commit)
        detail(f"{last.watts:g} W since {last.time}; {last.server}, {runs}")
    with steps.step(f"See hems status and every unit, {when}"):
        status()
        units()


def status() -> None:
    """Have `hems status` say that all is well, as soon as it does. Raises Failure."""
    deadline = time.monotonic() + SETTLING
    while True:
        said = subprocess.run(PI.ssh("hems status"), capture_output=True, text=True, check=False)
        if said.returncode == 0:
            print(said.stdout, flush=True)
            return
        if time.monotonic() > deadline:
            raise Failure(f"hems status is not content:\n{said.stdout}{said.stderr}")
        time.sleep(10)


def units() -> None:
    """See that systemd runs what it should, and that nothing failed. Raises Failure."""
    failed = PI.run(
        *("systemctl", "--failed", "--plain", "--no-legend"), doing="ask for failed units"
    )
    if failed.strip():
        raise Failure(f"units have failed: {failed.strip()}")
    state = PI.run(
        "sh", "-c", "systemctl is-system-running || true", doing="ask how systemd is"
    ).strip()
    detail(f"systemd is {state}, and no unit has failed")


def wheels() -> None:
    """Import what every venv holds; nothing may be compiled there. Raises Failure."""
    look = f"command -v {' '.join(COMPILERS)} || true"
    if compilers := PI.run("sh", "-c", look, doing="look for compilers").split():
        raise Failure(f"there are compilers on the machine: {', '.join(compilers)}")
    script = PROVE.read_text(encoding="utf-8")
    problems = []
    for venv in PI.run("sh", "-c", VENVS, doing="look for venvs").split():
        # Its own Python, in a directory where nothing can be imported from.
        line = f"cd / && PYTHONDONTWRITEBYTECODE=1 {venv}/bin/python -I -"
        answer = PI.run("sh", "-c", line, doing=f"import the wheels of {venv}", text=script)
        told = json.loads(answer.strip().splitlines()[-1])
        detail(f"{venv}: {told['wheels']} wheels, {told['extensions']} compiled modules")
        problems += [f"{venv}: {problem}" for problem in told["problems"]]
    if problems:
        raise Failure("not every wheel fits the machine:\n" + "\n".join(problems))


def prepare_environment() -> None:
    """As every command of the virtual Pi has it."""
    os.chdir(ROOT)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
