"""What the tests' JUnit reports say: how many passed, and what took longest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

COUNTED = ("passed", "failed", "skipped")
FILES, TESTS = 8, 12  # rows of the tables


def count(reports: Iterable[Path]) -> Counter[str]:
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


def seconds(reports: Iterable[Path]) -> dict[tuple[str, str], float]:
    """Return what each test took with its fixtures, in s, by its file (dotted) and name."""
    took: defaultdict[tuple[str, str], float] = defaultdict(float)
    for report in reports:
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            took[case.get("classname", ""), case.get("name", "")] += float(case.get("time", 0))
    return dict(took)


def print_slowest(reports: Iterable[Path]) -> None:
    """Print the files and the tests that took longest."""
    tests = seconds(reports)
    files: defaultdict[str, float] = defaultdict(float)
    for (file, _), took in tests.items():
        files[file] += took
    _print_table("Slowest files", {_short(file): took for file, took in files.items()}, FILES)
    named = {f"{_short(file)}::{name}": took for (file, name), took in tests.items()}
    _print_table("Slowest tests", named, TESTS)


def closing_line(reports: Iterable[Path]) -> str:
    """Return `N passed, N failed, N skipped`."""
    total = count(reports)
    return ", ".join(f"{total[name]} {name}" for name in COUNTED)


def _short(dotted: str) -> str:
    return dotted.removeprefix("tests.").replace(".", "/")


def _print_table(title: str, rows: dict[str, float], most: int) -> None:
    if rows:
        print(f"\n{title}:")
        for name, took in sorted(rows.items(), key=lambda row: -row[1])[:most]:
            print(f"  {took:6.1f} s  {name}")
        print(flush=True)
