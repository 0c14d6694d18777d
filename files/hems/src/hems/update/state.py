"""What a box remembers of its updates, in one file that a power cut leaves whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hems import HemsError, whole_file
from hems.update.core import Ring, Seen

FILE = "state.json"
PLAY, UNDO, COMMIT = "play", "undo", "commit"  # steps that a power cut may fall into
RESTART, RESTART_UNDONE = "restart", "restart_undone"  # the box is on its way into the next boot
CUTS = 3  # of one release that were interrupted, until it counts as bad all the same


class Reading(msgspec.Struct, frozen=True):
    """The newest of the house's readings in InfluxDB."""

    time: float  # Unix seconds
    energy: float | None = None  # kWh in total


class Phase(msgspec.Struct, frozen=True):
    """An update that has begun to change the box."""

    step: str
    release: str
    commit: str
    begun: float  # Unix seconds
    reading: Reading | None = None  # before it; None: none flowed
    critical: tuple[str, ...] = ()  # issues that were open before
    uplink: bool = False  # the Internet answered before
    unwell: tuple[str, ...] = ()  # parts that were not well before: no release is blamed for them
    reason: str = ""  # why it is undone
    packages: tuple[str, ...] = ()  # of Debian, "name=version"; none: it is a release


class Hold(msgspec.Struct, frozen=True):
    """Why the box stays on its release."""

    by: str
    why: str
    since: str


class State(msgspec.Struct, frozen=True):
    """Everything that is remembered."""

    release: str = ""  # the one that was taken last; empty: the box was played from outside
    commit: str = ""
    serials: Mapping[str, int] = {}
    digests: Mapping[str, str] = {}
    commits: Mapping[str, str] = {}
    bad: Mapping[str, str] = {}  # commit: why it was undone
    cuts: Mapping[str, int] = {}  # commit: how often it was interrupted
    kept_back: Mapping[str, str] = {}  # commit: why its inventory keeps this box from it
    hold: Hold | None = None
    phase: Phase | None = None
    seconds: float = 0.0  # that the last update took
    newest: float = 0.0  # the latest time that was ever seen, Unix seconds
    packages: str = ""  # what came of Debian's last updates, in a sentence
    packages_looked: float = 0.0  # when they were looked for, Unix seconds
    bad_packages: tuple[str, ...] = ()  # that were undone: not tried again in these versions
    result: str = ""  # of the last look, in a sentence
    looked: str = ""  # when, UTC

    @property
    def seen(self) -> Seen:
        """What ring files were believed."""
        return Seen(self.serials, self.digests, self.commits)

    def believing(self, ring: Ring) -> State:
        """Return the state once a ring file is believed."""
        seen = self.seen.after(ring)
        return self.but(serials=seen.serials, digests=seen.digests, commits=seen.commits)

    def blaming(self, phase: Phase, reason: str) -> State:
        """Return the state once a change is known to be bad: it is not tried again."""
        if phase.packages:
            bad_packages = {*self.bad_packages, *phase.packages}
            return self.but(bad_packages=tuple(sorted(bad_packages)))
        return self.but(bad={**self.bad, phase.commit: reason})

    def absolving(self, phase: Phase) -> State:
        """Return the state once it is known not to be the change's fault: it is tried again."""
        bad = {commit: why for commit, why in self.bad.items() if commit != phase.commit}
        left = tuple(one for one in self.bad_packages if one not in phase.packages)
        return self.but(bad=bad, bad_packages=left)

    def but(self, **changes: object) -> State:
        """Return the state with some members changed."""
        return msgspec.structs.replace(self, **changes)


def load(directory: Path) -> State:
    """Return what is remembered. Raises HemsError when the file is broken."""
    path = directory / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return State()
    except (OSError, msgspec.MsgspecError) as error:
        raise HemsError(f"{path} can't be read ({error}): remove it, and update again.") from error


def save(directory: Path, state: State) -> State:
    """Write it down, also for a power cut that follows at once; return it. Raises OSError."""
    text = msgspec.json.format(msgspec.json.encode(state), indent=1).decode()
    whole_file.write(directory / FILE, text + "\n")
    return state


def utc(now: float) -> str:
    """Return Unix seconds as people read them."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
