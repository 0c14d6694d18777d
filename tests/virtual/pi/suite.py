"""`make test`: everything that can be checked without hardware, on a Pi of its own.

Every part runs even when an earlier one failed; the last line counts the tests of all of them.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from tests.virtual.pi import browser, host, network, up
from tests.virtual.pi.checkout import ROOT, STATE, VENV, Failure
from tests.virtual.pi.machine import Pi
from tests.virtual.pi.progress import phase

REPORTS = STATE / "reports"
COUNTED = ("passed", "failed", "skipped")


def run() -> int:
    """Run all parts; 0 when every one is right."""
    phase("Check this machine")
    host.require_root()
    network.require()
    up.install_packages((*host.PACKAGES, *browser.packages()))
    up.install_tooling()
    browser.install()
    REPORTS.mkdir(parents=True, exist_ok=True)
    for report in REPORTS.glob("*.xml"):
        report.unlink()
    failed = [part for part in (_lint, _unit, _appliance) if not part()]
    _print_summary([part.__name__.strip("_") for part in failed])
    return 1 if failed else 0


def _lint() -> bool:
    phase("Lint")
    return _call("make", "--no-print-directory", "lint")


def _unit() -> bool:
    phase("Unit tests, the repository's rules, the stand-in's contract")
    return _pytest("unit", "tests/unit", "tests/repo", "tests/contract")


def _appliance() -> bool:
    pi = Pi("molecule")  # as molecule/default calls it
    try:
        phase("Boot a virtual Pi of the tests' own")
        _forget(pi)
        up.create(pi)  # here, where sudo may ask for a password; Molecule finds it running
        for step in ("converge", "idempotence"):
            phase(f"Molecule: {step}")
            if not _call("molecule", step):
                return False
        phase("The appliance's tests")
        return _pytest("appliance", "tests/appliance")
    except Failure as failure:
        print(f"error: {failure}")
        return False
    finally:
        phase("Remove the virtual Pi")
        _forget(pi)


def _forget(pi: Pi) -> None:
    """Remove the Pi, and what Molecule remembers of it."""
    pi.destroy()
    _call("molecule", "reset")


def _pytest(name: str, *arguments: str) -> bool:
    report = REPORTS / f"{name}.xml"
    return _call("python", "-m", "pytest", f"--junitxml={report}", *arguments)


def _call(*command: str) -> bool:
    environment = {**os.environ, "PATH": f"{VENV}/bin:{os.environ['PATH']}", "COLUMNS": "120"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def count(reports: list[Path]) -> Counter[str]:
    """Sum what JUnit reports of pytest say, by `passed`, `failed` and `skipped`."""
    total: Counter[str] = Counter()
    for report in reports:
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped = int(suite.get("skipped", 0))
            total["failed"] += failed
            total["skipped"] += skipped
            total["passed"] += int(suite.get("tests", 0)) - failed - skipped
    return total


def _print_summary(failed_parts: list[str]) -> None:
    phase("Done")
    if failed_parts:
        print(f"These parts failed: {', '.join(failed_parts)}")
    total = count(sorted(REPORTS.glob("*.xml")))
    print(", ".join(f"{total[name]} {name}" for name in COUNTED), flush=True)
