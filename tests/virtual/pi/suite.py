"""`make test`: everything that can be checked without hardware, its parts side by side.

Lint and the tests that need no Pi run behind the appliance's, which are spread over several Pis.
Every part runs even when another one failed; the last line counts the tests of all of them.

A release of the whole playbook and a few power cuts in the middle of updates are beside the
appliance's tests, on a Pi of their own: `make power-cuts N=100` makes more cuts.

The WiFi scenario comes last and alone: its machine is emulated, takes both cores, and looks at
seconds. Only its image is made behind the others.

A few tests that failed are run once more, with nothing beside them: what fails there too is wrong,
what passes hangs on what ran before it or beside it, and is named at the end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from tests.virtual.pi import appliance, browser, host, network, report, up
from tests.virtual.pi.checkout import ROOT, STATE, VENV, Failure
from tests.virtual.pi.job import Job, pytest
from tests.virtual.pi.progress import phase
from tests.virtual.wifi import machine as radios

REPORTS = STATE / "reports"
AGAIN = "_again"  # in the name of the report on tests that are run once more
APPLIANCE = "tests/appliance"
WITHOUT_A_PI = ("tests/unit", "tests/repo", "tests/contract")
WITH_RADIOS = "tests/wifi"
IMAGE = "wifi-image"
POWER_CUTS = "power-cuts"
FEW_CUTS = "1"  # at a random moment, besides the two of the first test
LEAST_URGENT = 10  # nice(1): the appliance's tests are the longest way, and they watch the time


def run(part: str | None = None, pis: int | None = None) -> int:
    """Run all parts, or only the tests whose file names have `part` in them; 0: every one is right.

    `pis` is the number of Pis; by default as many as this machine can carry. Raises Failure.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    plain, on_a_pi, with_radios = chosen(part)
    phase("Check this machine")
    host.require_root()
    network.require()
    up.install_packages([*host.PACKAGES, *(browser.packages() if on_a_pi else ())])
    if with_radios:
        _provide_qemu()
    up.install_tooling()
    if on_a_pi:
        browser.install()
    REPORTS.mkdir(parents=True, exist_ok=True)
    for old in REPORTS.glob("*.xml"):
        old.unlink()
    failed = []
    image = _begin_image() if with_radios else []
    behind = [*_begin(plain, lint=part is None), *image]
    try:
        cuts = part is None
        if on_a_pi and not _appliance(on_a_pi, pis or appliance.size(), behind, cuts=cuts):
            failed.append("appliance")
        failed += [job.name for job in behind if not (job.finish() or _passes_alone(job.name))]
        if with_radios and not (set(failed) & {IMAGE} or _with_radios(with_radios)):
            failed.append("wifi")
    finally:
        for job in behind:
            job.end()
    _print_summary(failed)
    return 1 if failed else 0


def chosen(part: str | None) -> tuple[list[str], list[str], list[str]]:
    """Return the tests that need no Pi, those that do, and those that need radios.

    `part` is what a file's name has in it, or a pattern for the whole of it: zigbee, test_tls*;
    or a directory's name: security. Raises Failure when it names none.
    """
    if part is None:
        return list(WITHOUT_A_PI), [APPLIANCE], [WITH_RADIOS]
    pattern = part if set(part) & set("*?[") else f"*{part}*"

    def named(directories: Iterable[str]) -> list[str]:
        tests = [
            path for directory in directories for path in (ROOT / directory).rglob("test_*.py")
        ]
        fitting = [one for one in tests if fnmatch(one.name, pattern) or one.parent.name == part]
        return [str(path.relative_to(ROOT)) for path in sorted(fitting)]

    found = named(WITHOUT_A_PI), named([APPLIANCE]), named([WITH_RADIOS])
    if not any(found):
        raise Failure(f"no test file's name has '{part}' in it: look into {ROOT / 'tests'}")
    return found


def _begin(plain: list[str], *, lint: bool) -> Iterable[Job]:
    """Begin what needs no Pi."""
    if lint:
        phase("Lint begins, its result comes when it is there")
        yield Job("lint", ["make", "--no-print-directory", "lint"], niceness=LEAST_URGENT)
    if plain:
        phase("Unit tests, the repository's rules and the stand-in's contract begin, too")
        yield Job("unit", pytest(_report("unit"), *plain), niceness=LEAST_URGENT)


def _provide_qemu() -> None:
    """Install what the machine with radios needs; where apt has none, its tests are skipped."""
    try:
        up.install_packages(radios.packages())
    except Failure as failure:
        phase(f"No machine with radios: {failure}")


def _begin_image() -> list[Job]:
    """Begin to make the image of the machine with radios, where it can run."""
    if reason := radios.reason_to_skip():
        phase(f"The WiFi scenario is skipped: {reason}")
        return []
    make = [str(VENV / "bin" / "python"), "-m", "tests.virtual.wifi"]
    return [Job(IMAGE, make, niceness=LEAST_URGENT)]


def _power_cuts(again: str = "") -> Job:
    """Begin some power cuts on a Pi of their own, which is removed at their end."""
    command = [sys.executable, "-B", "-m", "tests.virtual.pi", POWER_CUTS]
    command += ["--report", str(_report(POWER_CUTS, again))]
    cuts = {"CUTS": os.environ.get("CUTS", FEW_CUTS)}
    return Job(f"{POWER_CUTS}{again}", command, niceness=LEAST_URGENT, variables=cuts)


def _with_radios(tests: list[str]) -> bool:
    """Run the WiFi scenario, one test after the other; whether it passed, at once or alone."""
    phase("The WiFi scenario")
    job = Job("wifi", pytest(_report("wifi"), "-v", "--numprocesses=0", *tests))
    try:
        return job.finish() or _passes_alone("wifi")
    finally:
        job.end()


def _report(part: str, again: str = "") -> Path:
    return REPORTS / f"{part}{again}.xml"


def _passes_alone(part: str) -> bool:
    """Whether what failed passes when nothing runs beside it."""
    job = _again(part)
    if job is None:
        return False
    phase(f"Run what failed of '{part}' once more, with nothing beside it")
    try:
        return job.finish()
    finally:
        job.end()


def _again(part: str) -> Job | None:
    """Begin the few tests that failed once more; all of what is one piece. None: too many."""
    if part == IMAGE:
        return next(iter(_begin_image()), None)
    if part == POWER_CUTS:
        return _power_cuts(AGAIN)
    tests = report.few_failed(_report(part))
    if not tests:
        return None
    return Job(f"{part}-again", pytest(_report(part, AGAIN), "--numprocesses=0", *tests))


def _appliance(tests: list[str], pis: int, behind: list[Job], *, cuts: bool) -> bool:
    """Run the appliance's tests on Pis of their own; tell of what ends `behind` them meanwhile.

    With `cuts`, the power cuts begin when they do, and are behind them, too.
    """

    def tell() -> None:
        for job in behind:
            job.tell_if_ended()

    def begin() -> None:
        if cuts:
            phase("A release of the whole playbook and power cuts begin, on a Pi of their own")
            behind.append(_power_cuts())

    report, second_try = _report("appliance"), _report("appliance", AGAIN)
    try:
        return appliance.run(tests, pis, report, second_try, tell=tell, begin=begin)
    except Failure as failure:
        print(f"error: {failure}", flush=True)
        return False


def _print_summary(failed: list[str]) -> None:
    phase("Done")
    reports = sorted(REPORTS.glob("*.xml"), key=lambda path: path.stem.endswith(AGAIN))
    report.print_slowest(reports)
    report.print_second_tries(reports)
    if failed:
        print(f"These parts failed: {', '.join(failed)}")
    print(report.closing_line(reports), flush=True)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
