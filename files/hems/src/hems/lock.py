"""The appliance's one lock: converging, updating, restoring and dongle work never run side by side.

It is flock(2) on a file, so it ends with its holder however that ends, and ``flock(1)`` (which the
playbook holds it with) takes the same one. The holder writes a line of JSON into the file to say
who it is; the line means something only while the lock is held.

Who can open the file, be it to read, can hold the lock: only root and the daemons can. Everybody
else sees in the kernel's list of locks whether it is held.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from hems import HemsError
from hems.times import local

LOCKS = Path("/proc/locks")  # proc_locks(5)
POLL_SECONDS = 0.2
NOTE_BYTES = 4096


@dataclass(frozen=True)
class Holder:
    """Who holds the lock, in its own words."""

    work: str = "something"  # converge, backup, restore …
    by: str = ""  # the host that asked for it
    pid: int | None = None  # on that host
    since: str = ""  # UTC, ISO 8601

    def __str__(self) -> str:
        of = f" of {self.by}" if self.by else ""
        since = f" since {local(self.since)}" if self.since else ""
        return f"the {self.work}{of}{since}"


NAMELESS = Holder(work="work that 'sudo hems status' names")


class LockedError(HemsError):
    """Somebody else holds the lock."""

    def __init__(self, path: Path, holder: Holder) -> None:
        super().__init__(
            f"The appliance's lock is held by {holder}: wait until it has finished "
            f"(lock file {path})."
        )
        self.holder = holder


def parse_holder(note: bytes) -> Holder:
    """Return what a holder wrote about itself; an unreadable note is a holder without a name."""
    try:
        values = json.loads(note)
        pid = values.get("pid")
        return Holder(
            work=str(values.get("work") or "something"),
            by=str(values.get("by") or ""),
            pid=int(pid) if pid else None,
            since=str(values.get("since") or ""),
        )
    except (ValueError, TypeError, AttributeError):
        return Holder()


def holder(path: Path) -> Holder | None:
    """Return who holds the lock at this moment, or None.

    Raises HemsError when the file can't be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except PermissionError:
        return NAMELESS if _listed(path) else None
    except OSError as error:
        raise HemsError(f"The lock file can't be read: {error}.") from error
    try:
        # A shared lock, so that two who look don't see each other.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return parse_holder(os.pread(handle, NOTE_BYTES, 0))
    finally:
        os.close(handle)
    return None


@contextmanager
def kept_free(path: Path) -> Iterator[bool]:
    """Let nobody take the lock inside the with-block; False when it is held, or can't be asked.

    It takes no right to write. Whoever wants the lock meanwhile is told that something holds it.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        yield isinstance(error, FileNotFoundError)
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except BlockingIOError:
        free = False
    try:
        yield free
    finally:
        os.close(handle)


@contextmanager
def appliance_lock(
    path: Path,
    work: str,
    *,
    wait_seconds: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Holder]:
    """Hold the lock for ``work`` (a noun: "backup") inside the with-block.

    Raises LockedError when another still holds it after ``wait_seconds``, HemsError when the file
    can't be opened.
    """
    handle = _open(path)
    try:
        _take(handle, path, clock() + wait_seconds, clock, sleep)
        me = Holder(
            work=work,
            by=os.uname().nodename,
            pid=os.getpid(),
            since=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )
        os.ftruncate(handle, 0)
        os.pwrite(handle, (json.dumps(asdict(me)) + "\n").encode(), 0)
        try:
            yield me
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


@contextmanager
def held_or_taken(path: Path, work: str, inside: str) -> Iterator[Holder]:
    """Hold the lock for ``work``, or work under the lock that ``inside`` holds already.

    ``inside`` is the holder's work ("converge"); empty takes the lock without waiting. Raises as
    ``appliance_lock`` does, and HemsError when no such work holds it.
    """
    if not inside:
        with appliance_lock(path, work) as me:
            yield me
        return
    other = holder(path)
    if other is None or other.work != inside:
        raise HemsError(f"No {inside} holds the appliance's lock: omit '--inside'.")
    yield other


def _listed(path: Path) -> bool:
    """Whether the kernel lists a lock of the file, by its device and inode."""
    try:
        seen = path.stat()
        lines = LOCKS.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise HemsError(f"The lock file can't be asked: {error}.") from error
    device = f"{os.major(seen.st_dev):02x}:{os.minor(seen.st_dev):02x}:{seen.st_ino}"
    return any("FLOCK" in words and device in words for words in map(str.split, lines))


def _open(path: Path) -> int:
    try:
        # No child inherits it: a daemon started under the lock must not keep it.
        # Its directory's group, the daemons', may look at it.
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    except PermissionError as error:
        message = (
            f"Only root may take the appliance's lock ({path}): put 'sudo' before the command."
        )
        raise HemsError(message) from error
    except OSError as error:
        raise HemsError(f"The lock file can't be opened: {error}.") from error


def _take(
    handle: int,
    path: Path,
    deadline: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock() >= deadline:
                raise LockedError(path, parse_holder(os.pread(handle, NOTE_BYTES, 0))) from None
            sleep(POLL_SECONDS)
        else:
            return
