"""``hems update``: take the fleet's release, or say why not."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hems import HemsError, settings
from hems.update import system_update, update_settings
from hems.update.git import Source
from hems.update.run import Updater
from hems.update.state import Hold, load, utc

ACTIONS = ("packages", "hold", "release", "status", "resume")
CRASHED = 70  # sysexits.h EX_SOFTWARE
PATIENCE = 60.0  # seconds; who has started 'resume' is about to end


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=ACTIONS,
        help="packages: install Debian's updates now, and restart if they need it; "
        "hold: stay on this release; release: end a hold; status: show the last update; "
        "resume: finish an interrupted update",
    )
    parser.add_argument("--why", default="", help="the reason for a hold")
    parser.add_argument(
        "--from",
        dest="bundle",
        metavar="FILE",
        help="take the release from a git bundle, without network",
    )
    parser.add_argument(
        "--settings", type=Path, default=settings.DIRECTORY, help="directory of its settings"
    )
    parser.add_argument(
        "--scheduled", action="store_true", help="do it only in the site's time window"
    )


def run(options: argparse.Namespace) -> int:
    """Do it; 0 when all is well, 1 when the release was not taken or was undone."""
    if os.geteuid() != 0:
        raise HemsError("Only root may update the box: put 'sudo' before the command.")
    updater = _updater(options.settings)
    if options.action == "status":
        return _status(updater)
    try:
        patience = PATIENCE if options.action == "resume" else 0.0
        with _ended_in_order(), updater.alone(patience):
            return _do(updater, options)
    except HemsError as error:
        if updater.state.phase is None:
            raise
        print(error, file=sys.stderr)
        return CRASHED
    except Exception:  # the unit that ends an interrupted update is started by this exit code
        traceback.print_exc()
        return CRASHED


def _updater(directory: Path) -> Updater:
    """Return an updater with the settings in a directory.

    Raises HemsError when the box takes no releases.
    """
    if not (directory / update_settings.FILE).exists():
        raise HemsError(
            "This box takes no releases by itself: set self_update_url in the inventory and run "
            "the whole playbook (docs/update.md)."
        )
    return Updater(update_settings.read(directory), settings.appliance(directory))


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let who is asked to end, or whose terminal is gone, end its playbook before itself."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _do(updater: Updater, options: argparse.Namespace) -> int:
    if options.action == "hold":
        if not options.why:
            raise HemsError("Give a reason for others to see: --why 'reason'.")
        by = os.environ.get("SUDO_USER", "root")
        updater.remember(hold=Hold(by, options.why, utc(time.time())))
        return 0
    if options.action == "release":
        updater.remember(hold=None)
        return 0
    if options.action == "resume":
        updater.finish()
        return 0
    if options.action == "packages":
        if not updater.options.archives:
            raise HemsError("This box takes no updates of Debian: set self_update_archives.")
        if (code := updater.excused()) is not None:
            return code
        return system_update.look(updater, time.time(), at_once=True)
    source = updater.options.server.source
    if options.bundle:
        if not Path(options.bundle).is_file():
            raise HemsError(f"There is no bundle {options.bundle}: is the stick mounted?")
        source = Source(str(Path(options.bundle).resolve()))
    return updater.update(source, scheduled=options.scheduled)


def _status(updater: Updater) -> int:
    state = load(updater.directory)
    print(f"Release: {state.release or 'none: the playbook was run from another computer'}")
    print(f"Ring:    {updater.options.ring}, from {updater.options.server.url}")
    if state.hold:
        print(f"Held:    {state.hold.why} ({state.hold.by}, {state.hold.since})")
    if state.phase:
        print(f"Now:     {state.phase.step} of {state.phase.release}")
    if updater.options.archives:
        print(f"Debian:  {state.packages or 'it has not checked yet'}")
    print(f"Last:    {state.result or 'it has not checked yet'} {state.looked}".rstrip())
    sys.stdout.flush()
    return 0
