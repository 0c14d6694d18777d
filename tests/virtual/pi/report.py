"""What the tests' JUnit reports say: how many passed, and what took longest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree

COUNTED = ("passed", "failed", "skipped")
FILES, TESTS = 8, 12  # rows of the tables
FEW = 5  # tests that failed: more say that the product is broken


def outcomes(reports: Iterable[Path]) -> dict[str, str]:
    """Return each test's `path/test_file::test_name` with its outcome, one of COUNTED.

    A test that several reports of pytest name (JUnit's format) has the outcome of the last one.
    """
    found: dict[str, str] = {}
    for report in reports:
        of_this: dict[str, str] = {}
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            name = f"{_short(case.get('classname', ''))}::{case.get('name', '')}"
            tags = {child.tag for child in case}
            if tags & {"failure", "error"}:
                of_this[name] = "failed"
            else:  # what a test's end says doesn't outweigh its failure
                of_this.setdefault(name, "skipped" if "skipped" in tags else "passed")
        found.update(of_this)
    return found


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


def few_failed(report: Path) -> list[str]:
    """Return the tests that failed as pytest takes them, if they are few enough to try again."""
    if not report.exists():  # pytest did not come to its end
        return []
    failed = [f"tests/{name}" for name, is_ in outcomes([report]).items() if is_ == "failed"]
    return [name.replace("::", ".py::", 1) for name in failed] if len(failed) <= FEW else []


def print_second_tries(reports: Sequence[Path]) -> None:
    """Name the tests that one report says have failed and a later one that they passed."""
    finally_ = outcomes(reports)
    names = [
        name
        for report in reports
        for name, outcome in outcomes([report]).items()
        if outcome == "failed" and finally_[name] == "passed"
    ]
    if names:
        print("\nFailed at first, and passed with nothing beside or before them (look into them):")
        print("\n".join(f"  {name}" for name in names), flush=True)


def closing_line(reports: Iterable[Path]) -> str:
    """Return `N passed, N failed, N skipped`, each test by its last report's outcome."""
    total = Counter(outcomes(reports).values())
    return ", ".join(f"{total[name]} {name}" for name in COUNTED)


def _short(dotted: str) -> str:
    return dotted.removeprefix("tests.").replace(".", "/")


def _print_table(title: str, rows: dict[str, float], most: int) -> None:
    if rows:
        print(f"\n{title}:")
        for name, took in sorted(rows.items(), key=lambda row: -row[1])[:most]:
            print(f"  {took:6.1f} s  {name}")
        print(flush=True)
