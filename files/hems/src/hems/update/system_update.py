"""Debian's own updates: once a day in the window, and judged as a release is."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from hems import HemsError
from hems.update import packages
from hems.update.change import Change

if TYPE_CHECKING:
    from hems.update.run import Updater

DAY = 20 * 3600.0  # seconds from one look to the next, which is a little earlier each night
SPACE = 3  # times what is installed: packed again, fetched, and unpacked beside the old


def look(updater: Updater, now: float, *, at_once: bool = False) -> int:
    """Install what the archives of the settings have newer; 0 when all is well.

    ``now``: Unix seconds; ``at_once``: also when it was looked for today.
    """
    labels = updater.options.archives
    if not labels:
        return 0
    passed = now - updater.state.packages_looked
    if at_once or not 0 <= passed < DAY:
        updater.remember(packages_looked=now)
        try:
            change = _found(updater, labels, now)
        except HemsError as error:  # of looking alone: what fails in a change has it undone
            updater.remember(packages=f"Debian's updates can't be looked for: {error}")
            print(updater.state.packages, flush=True)
            return 1
        return updater.change(change, now) if change else 0
    if updater.state.bad_packages and not updater.options.problem.exists():
        updater.say(updater.state.packages, problem=True)  # until there are newer versions
    return 0


def _found(updater: Updater, labels: tuple[str, ...], now: float) -> Change | None:
    """Return what is to be installed, fetched already; None: nothing. Raises HemsError."""
    packages.refresh()
    offered = packages.offered(labels)
    bad = set(updater.state.bad_packages) & set(map(str, offered))
    updater.remember(bad_packages=tuple(sorted(bad)))
    chosen = [one for one in offered if str(one) not in bad]
    if not chosen:
        print("Debian has no updates for this box.", flush=True)
        if not bad:
            updater.remember(packages="Nothing to update.")
        return None
    packages.download(chosen)
    everything = packages.complete(chosen)
    return Change(
        f"Debian's update of {datetime.fromtimestamp(now):%Y-%m-%d}",
        packages.identity(everything),
        partial(packages.install, chosen, updater.snapshot().packages),
        everything,
        SPACE * packages.size(everything),
    )
