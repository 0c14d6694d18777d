"""Come in as the history's own user, open both sides and the ledger, and do one run.

``python -m hems.history.run`` is the timer's; the command does the same with other words.
"""

from __future__ import annotations

import fcntl
import grp
import os
import pwd
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hems import HemsError, settings
from hems.health import history as summary
from hems.history import HistoryError, cause, fill, rolling
from hems.history.bridging import bridge_pauses
from hems.history.fill import Found, History, Limits
from hems.history.history_settings import FILE as SETTINGS
from hems.history.history_settings import History as Options
from hems.history.influxdb import SECRET, Influxdb
from hems.history.ledger import FILE, Ledger
from hems.history.recorder import FILE as RECORDER
from hems.history.recorder import Recorder
from hems.history.tiers import Tiers
from hems.home_assistant import SECRET as HOME_ASSISTANT
from hems.home_assistant import Access
from hems.settings import Appliance
from hems.watchdog import journal

LOCK = "lock"
WAIT_SECONDS = 30.0
MOST_ENTRIES = 10_000


def options() -> Options:
    """Return the settings. Raises SettingsError."""
    return settings.read(settings.DIRECTORY / SETTINGS, Options)


def token(appliance: Appliance, name: str = SECRET) -> str:
    """Return a token of the history's: from systemd in its unit, else from root's secrets."""
    directory = Path(os.environ.get("CREDENTIALS_DIRECTORY") or appliance.paths.secrets)
    try:
        return (directory / name).read_text(encoding="utf-8").strip()
    except PermissionError as error:
        raise HistoryError("Only root may do that: put 'sudo' before the command.") from error
    except OSError as error:
        raise HistoryError(
            f"The history's token {name} can't be read ({error.strerror}): "
            "run the whole playbook, it makes it."
        ) from error


def become(user: str, recorder: str) -> None:
    """Go on as the history's user for good, with the right to read the recorder.

    Who is not root stays what they are. Raises HistoryError.
    """
    if os.geteuid() != 0:
        return
    try:
        account, group = pwd.getpwnam(user), grp.getgrnam(recorder)
    except KeyError as error:
        raise HistoryError(f"{error.args[0]}: run the whole playbook.") from error
    os.setgroups([account.pw_gid, group.gr_gid])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    os.umask(0o027)
    os.chdir("/")


@contextmanager
def opened(appliance: Appliance, wanted: Options, secret: str) -> Iterator[History]:
    """Open everything; one run at a time. Raises HistoryError."""
    with alone(wanted.state), closing(Ledger(wanted.state / FILE)) as ledger:
        path = appliance.home_assistant.directory / RECORDER
        with closing(
            Recorder(path, wanted.domains, wanted.excluded, _moved(wanted.moved))
        ) as recorder:
            yield History(
                recorder,
                Influxdb(appliance.ports.influxdb, secret),
                ledger,
                cause.disturbances(_log(appliance.paths.state), recorder.pauses()),
                Limits(wanted.batch, wanted.rate, wanted.seconds, wanted.settle),
                time.time_ns(),
            )


def tell(wanted: Options, history: History, problem: str = "") -> None:
    """Leave the summary for the watchdog."""
    gaps = history.ledger.open_gaps()
    begin = fill.utc(gaps[0].begin) if gaps else ""
    proven = history.ledger.progress(fill.PROVEN)
    looked = "" if proven is None else fill.utc(proven)
    points = sum(gap.points - gap.filled for gap in gaps)
    try:
        summary.write(wanted.state, summary.Summary(len(gaps), points, begin, looked, problem))
    except OSError as error:
        raise HistoryError(
            f"The history's summary can't be written to {wanted.state} ({error.strerror}): "
            "look at 'df -h'."
        ) from error


def words(found: Found) -> str:
    """Say what a run did."""
    spread = "".join(f" Bridged {one.entity}: {one.detail}." for one in found.bridged)
    later = f" Nothing is bridged now: {found.unbridged}" if found.unbridged else ""
    hours = f" {found.rolled} hours were made again." if found.rolled else ""
    behind = f" Hours and days are not up to date: {found.unrolled}" if found.unrolled else ""
    return _filled(found) + spread + later + hours + behind


def _filled(found: Found) -> str:
    if not found.lost:
        more = "" if found.finished else " There is more to do, the next run goes on."
        return f"Nothing is missing: {found.compared} readings compared.{more}"
    done = f"{found.lost} readings were missing, {found.filled} of them are filled"
    refused = f", {found.refused} are refused by InfluxDB" if found.refused else ""
    more = "" if found.finished else "; there is more, the next run goes on"
    return f"{done}{refused} ({found.compared} compared){more}."


def once(whole: bool = False) -> Found:
    """Do one run: find, fill, tell. Raises HistoryError."""
    appliance, wanted = settings.appliance(), options()
    secret = token(appliance)
    access = Access(appliance.ports.home_assistant, token(appliance, HOME_ASSISTANT))
    become(wanted.user, appliance.home_assistant.user)
    with opened(appliance, wanted, secret) as history:
        try:
            found = history.fill(whole)
        except HistoryError as error:
            tell(wanted, history, str(error))
            raise
        try:
            found.bridged = bridge_pauses(history, access) if found.finished else []
        except HistoryError as error:  # what was measured is filled all the same
            found.unbridged = str(error)
        try:
            _roll(history, wanted, found, whole)
        except HistoryError as error:
            found.unrolled = str(error)
        tell(wanted, history)
    return found


def _roll(history: History, wanted: Options, found: Found, whole: bool) -> None:
    """Keep hours and days those of the readings, and the readings as long as they should stay."""
    tiers = Tiers(history.influxdb)
    if not wanted.rollups:
        return rolling.retain(history, tiers, 0)
    moved = tuple(_moved(wanted.moved))
    plan = rolling.read(wanted.flux, wanted.zone, wanted.raw_days, moved)
    rolling.retain(history, tiers, plan.keep)
    gaps = (*found.gaps, *found.bridged)
    since = 0 if whole else min((history.now - fill.DAY, *(gap.begin for gap in gaps)))
    deadline = history.clock() + history.limits.seconds
    done = rolling.roll(history, tiers, plan, since, deadline)
    found.rolled, found.finished = done.hours, found.finished and done.finished
    return None


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Keep other runs of the history away meanwhile. Raises HistoryError."""
    try:
        handle = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HistoryError(
            f"The history's directory {directory} can't be used ({error.strerror}): "
            "run the whole playbook."
        ) from error
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise HistoryError(
                        "Another run is under way: try again in some minutes."
                    ) from None
                time.sleep(0.5)
        yield
    finally:
        os.close(handle)


def _moved(path: Path) -> list[tuple[int, int]]:
    """Return the times (first, last; ns) that a wrong clock had dated. Raises HistoryError."""
    try:
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        return [(int(first), int(last)) for first, last in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        # Without it, what was set right would be filled under its wrong date again.
        raise HistoryError(
            f"Which dates were set right can't be read ({error}): remove {path} when it is "
            "broken and older than ten days; until then nothing is filled."
        ) from error


def _log(state: Path) -> list[journal.Entry]:
    try:
        return journal.read(state / journal.FILE, MOST_ENTRIES)
    except OSError as error:
        print(f"the watchdog's log can't be read: {error}", file=sys.stderr)
        return []


def main() -> int:
    """Run once for the timer; a side that is away now is no failure, the next run tries again."""
    try:
        found = once()
    except HemsError as error:
        print(error, file=sys.stderr)
        return 0
    if found.lost or found.bridged or found.unbridged or found.unrolled or not found.finished:
        print(words(found), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
