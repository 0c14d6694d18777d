"""The appliance's tests: a Pi is converged, proven and kept, and each worker's starts from it.

A few tests that failed are run once more, on a Pi that no other test has used.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.virtual.pi import converged, job, play, substitutes, up
from tests.virtual.pi.checkout import ROOT, Failure, log_path
from tests.virtual.pi.machine import Pi
from tests.virtual.pi.progress import detail, phase
from tests.virtual.pi.report import few_failed

MOLECULE = Pi("molecule")  # as molecule/default calls it
PIS = "HEMS_PIS"  # the workers' Pis, in their order: tests/appliance/conftest.py reads it
MOST = 5  # with more, the longest test file decides
PER_CORE = 2  # nearly all of the tests' time is waiting
GIGABYTES = 2.0  # of memory, for a Pi and its worker's browser
LOOK = 1.0  # seconds
TAIL = 15  # lines
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)


def size() -> int:
    """Return how many Pis this machine can carry at once."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    by_memory = int(kilobytes / 1e6 / GIGABYTES)
    return max(1, min(MOST, PER_CORE * len(os.sched_getaffinity(0)), by_memory))


def run(
    tests: Sequence[str],
    pis: int,
    report: Path,
    second_try: Path,
    *,
    tell: Callable[[], None],
    begin: Callable[[], None],
) -> bool:
    """Run `tests` (files or directories) on `pis` Pis; whether they passed. Raises Failure.

    `report` and `second_try` are where the results go (JUnit's format), `tell` is called now and
    then, `begin` once when the Pis have been started.
    """
    kept = proven(tell)
    workers = [Pi(f"test{number}") for number in range(pis)]
    try:
        phase(f"Start {len(workers)} Pis from the converged one")
        with ThreadPoolExecutor(len(workers)) as pool:
            list(pool.map(lambda pi: _start(pi, kept), workers))
        phase("The appliance's tests")
        begin()
        if _test("appliance", tests, workers, report, tell):
            return True
        again = few_failed(report)
        if not again:
            return False
        phase(f"Run what failed once more, on a new Pi: {len(again)}")
        _start(workers[0], kept)
        return _test("appliance-again", again, workers[:1], second_try, tell)
    finally:
        phase("Remove the virtual Pis")
        with _undisturbed():
            for pi in workers:
                pi.destroy()


def proven(tell: Callable[[], None]) -> str:
    """Return the image of a Pi that was converged, and then left alone by a second play.

    Where none is kept of what the play reads now, one is made by Molecule. Raises Failure.
    """
    up.prepare()
    substitutes.provide()
    if kept := converged.find(proven=True):
        phase("Find the converged Pi kept, by a play that a second one confirmed")
        return kept
    name = converged.tag()
    try:
        phase("Boot a virtual Pi of the tests' own")
        _forget(MOLECULE)
        up.create(MOLECULE)  # here, where sudo may ask for a password; Molecule finds it running
        for step in ("converge", "idempotence"):
            phase(f"Molecule: {step}")
            _molecule(step, tell)
        converged.keep(MOLECULE, name, proven=True)
    finally:
        _forget(MOLECULE)
    return name


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C, nor one that comes late, keep the Pis from being removed."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in INTERRUPTIONS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(pi: Pi, kept: str) -> None:
    pi.destroy()
    converged.start(pi, kept)


def _molecule(step: str, tell: Callable[[], None]) -> None:
    log = log_path(f"molecule-{step}")
    environment = {**job.environment(), "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}
    returned, story = play.follow(["molecule", step], log, environment, tell)
    if returned:
        # What the second play changed is no error of Ansible's: Molecule names it at its end.
        print("\n".join(log.read_text(encoding="utf-8").splitlines()[-TAIL:]), flush=True)
        raise Failure(f"molecule {step} stopped {story.error} (all of it: {log})")


def _forget(pi: Pi) -> None:
    """Remove the Pi, and what Molecule remembers of it."""
    pi.destroy()
    subprocess.run(
        ["molecule", "reset"], cwd=ROOT, env=job.environment(), capture_output=True, check=False
    )


def _test(
    name: str,
    tests: Sequence[str],
    workers: Sequence[Pi],
    report: Path,
    tell: Callable[[], None],
) -> bool:
    spread = (
        *("-v", f"--numprocesses={len(workers)}", "--dist=loadfile", "--no-loadscope-reorder"),
        "--max-worker-restart=0",  # a worker's Pi is its own
    )
    running = job.Job(
        name,
        job.pytest(report, *spread, *tests),
        variables={PIS: " ".join(pi.name for pi in workers)},
    )
    progress = job.Progress()
    try:
        while not running.ended():
            time.sleep(LOOK)
            for line in running.new_lines():
                if words := progress.read(line):
                    detail(words)
            tell()
        return running.finish()
    finally:
        running.end()
