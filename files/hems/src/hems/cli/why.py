"""``hems why``: what the box did to itself, and why; also after a reboot."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from hems import HemsError, settings
from hems.cli import whole
from hems.times import local
from hems.watchdog import journal
from hems.watchdog.journal import Entry

UNPRIVILEGED = True
COUNT, MOST = 20, 10_000  # entries; the log has fewer than these
NOTHING = "The box has restarted nothing, set no file aside and not rebooted itself."
VERBS = {
    "restart": "restarted {}",
    "kill": "killed {}",
    "activate": "reconnected the {}",
    "reboot": "rebooted the {}",
    "stop hotspot": "stopped the {}",
    "start": "the {} started",
    "gap": "readings were lost while {} was down",
    "set aside": "set aside {}",
    "failed": "an action on {} failed",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--count",
        type=whole(1, MOST),
        default=COUNT,
        metavar="N",
        help="show the newest N entries (default %(default)s)",
    )


def lines(entries: Iterable[Entry]) -> Iterable[str]:
    """Return the log for people, the newest last."""
    for entry in entries:
        did = VERBS.get(entry.verb, f"{entry.verb} {{}}").format(entry.subject)
        yield f"{local(entry.time)}  {did}"
        yield f"{'':19}  because: {entry.cause}"
        yield f"{'':19}  observed: {entry.observed}"


def run(options: argparse.Namespace) -> int:
    """Show the newest entries of the restart log."""
    path = settings.appliance().paths.state / journal.FILE
    try:
        entries = journal.read(path, options.count)
    except OSError as error:
        raise HemsError(
            f"The restart log can't be read ({error}): run the whole playbook."
        ) from error
    print("\n".join(lines(entries)) or NOTHING)
    return 0
