"""``hems status``: how the box is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable

from hems import services, settings
from hems.status.core import Observation, as_json, days_left, problems
from hems.status.survey import observe

UNPRIVILEGED = True
GIB = 1024**3
PARTS_OK = "Every part answers; the open issues are above."


def lines(seen: Observation) -> Iterable[str]:
    """Return the observation for people, a line each."""
    yield f"{seen.site}  {seen.url}  {' '.join(seen.addresses)}".rstrip()
    yield f"hems {seen.version}"
    yield ""
    for service in seen.services:
        answer = f", {service.answer.detail}" if service.answer else ""
        yield _row(service.ok, service.name, f"{service.unit}{answer}")
    for port in seen.ports:
        left = days_left(port.certificate, seen.now)
        words = port.certificate.detail if left is None else f"{left} days left"
        yield _row(port.certificate.ok, f"Certificate :{port.number}", words)
    free = f"{seen.disk.percent:.0f} % of {seen.disk.total / GIB:.0f} GiB used"
    yield _row(True, "Disk", f"{free}, {seen.disk.free / GIB:.1f} GiB free")
    yield _row(True, "Lock", f"held by {seen.lock}" if seen.lock else "free")
    yield from _health(seen)
    found = problems(seen)
    yield ""
    yield from (f"NOT OK: {problem}" for problem in found)
    if not found:
        yield PARTS_OK if seen.health.worst else "OK"


def _health(seen: Observation) -> Iterable[str]:
    issues = seen.health.issues
    worst = seen.health.worst
    blink = f", the LED blinks {worst.kind.blink}" if worst else ""
    yield _row(worst is None, "Health", f"{len(issues)} open issues{blink}")
    for item in issues:
        yield f"    {item.kind.severity:<9} {item}"
        yield f"    {'':<9} {item.kind.cure}"


def _row(ok: bool, name: str, words: str) -> str:
    return f"{'ok' if ok else '!!'}  {name:<20} {words}"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print it as JSON, for programs")


def run(options: argparse.Namespace) -> int:
    """Show the box's state; 0 when nothing is wrong, else 1."""
    seen = observe(settings.appliance(), services.read_all(services.DIRECTORY))
    if options.json:
        json.dump(as_json(seen), sys.stdout, indent=2)
        print()
    else:
        print("\n".join(lines(seen)))
    return 1 if problems(seen) else 0
