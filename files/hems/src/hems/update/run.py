"""The phases of an update: look → verify → snapshot → play → gate → commit or undo."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import msgspec

from hems import HemsError, lock, services, settings
from hems.settings import Appliance
from hems.systemd import units
from hems.update import gate, play, resume, update_settings
from hems.update.core import Ring
from hems.update.git import Source
from hems.update.look import Looker
from hems.update.snapshot import DATABASES, Service, Snapshot
from hems.update.state import COMMIT, CUTS, PLAY, UNDO, Phase, load
from hems.update.update_settings import Update

FREE = 1024**3  # bytes that must stay free
LEAST_PLAY = 3600.0  # seconds
LOCK_SECONDS = 600.0  # a play or a backup may be at work
LOCK = "update.lock"
WORK = "update"  # what the appliance's lock is held for
PROGRAM = Path("/usr/local/bin/hems")  # of whatever release is current
OURS = ("hems-", "home-assistant", "hass-")  # units that roles bring have names like these
KINDS = ("service", "timer", "path", "socket")


class Updater(Looker):
    """One run of ``hems update``."""

    def __init__(self, options: Update, appliance: Appliance) -> None:
        super().__init__(options)
        self.appliance = appliance

    @contextmanager
    def alone(self, wait_seconds: float = 0.0) -> Iterator[None]:
        """Be the only one who updates. Raises LockedError."""
        path = self.appliance.paths.root_run / LOCK
        with lock.appliance_lock(path, "update", wait_seconds=wait_seconds):
            self.state = load(self.directory)
            yield

    def update(self, source: Source, *, scheduled: bool) -> int:
        """Look, unless the site is held; 0 when all is well. Raises OSError."""
        if self.state.phase and not self._ended():
            return 1
        if self.state.hold:
            why = f"{self.state.hold.why} ({self.state.hold.by}, {self.state.hold.since})"
            self.say(f"Held: {why}; 'sudo hems update release' lets it go on.")
            return 0
        if scheduled and not self.options.window.holds(gate.local_hour(time.time())):
            return 0
        return self.look(source)

    def _ended(self) -> bool:
        """Whether an interrupted update is at its end; if not, the unit for that is at work.

        This program may be of the very release that is in question: it does not judge itself.
        """
        if resume.stands_by():
            print(
                "An interrupted update comes first: 'journalctl -fu hems-update-resume' shows it."
            )
            resume.start()
            return False
        self.finish()
        return True

    def snapshot(self) -> Snapshot:
        """Return where everything is kept; nothing is touched."""
        home = self.appliance.home_assistant
        return Snapshot(
            self.directory / "snapshot",
            self.options.keep.files,
            self.options.keep.found_links(),
            (
                Service("home-assistant.service", home.user, home.directory, DATABASES),
                Service("mosquitto.service", "mosquitto", self.options.keep.mosquitto),
            ),
            resume.files(),
        )

    def take(self, ring: Ring, checkout: Path, now: float) -> int:
        """Take a snapshot, play, look whether all is well; else undo it."""
        kept = self.snapshot()
        need, free = 2 * kept.size() + FREE, shutil.disk_usage(self.directory).free
        if free < need:
            sentence = f"{ring.release} needs {need >> 20} MiB free, and there are {free >> 20} MiB"
            self.say(f"{sentence}: make room on the card.", problem=True)
            return 1
        try:
            with self._locked():
                phase = self._begin(kept, ring, now)
                if phase is None:
                    return 1
                print(f"{ring.release}: running its playbook", flush=True)
                begun, most = time.monotonic(), max(LEAST_PLAY, 4 * self.state.seconds)
                wrong = play.play(self.options, checkout, most, WORK)
                took = time.monotonic() - begun
                if wrong:  # nobody else's work may come in between
                    phase = self._give_up(phase, wrong, blame=True)
                    self._put_back(kept)
        except lock.LockedError as error:
            self.say(f"{ring.release} is not taken yet, but at a later look: {error}")
            return 1
        if wrong:
            self._end_undo(phase)
            return 1
        print(f"{ring.release}: looking whether all is well, after {took:.0f} s", flush=True)
        wrong = self._wait(phase, took)
        if wrong:
            self._undo(phase, wrong, blame=True)
            return 1
        self._commit(phase, took)
        return 0

    def _locked(self) -> AbstractContextManager[object]:
        """Have nobody else work on the box."""
        path = self.appliance.paths.lock
        return lock.appliance_lock(path, WORK, wait_seconds=LOCK_SECONDS)

    def _busy(self) -> bool:
        """Whether somebody else works on the box."""
        return lock.holder(self.appliance.paths.lock) is not None

    def _begin(self, kept: Snapshot, ring: Ring, now: float) -> Phase | None:
        """Keep what is there, and remember that an update is under way; None: it can't be kept."""
        print(f"{ring.release}: taking a snapshot", flush=True)
        try:
            kept.take(self._wanted())
        except (HemsError, OSError) as error:
            kept.drop()
            self.say(f"{ring.release} is not taken, as nothing can be kept: {error}", problem=True)
            return None
        reading, critical, uplink = gate.before(self.appliance, time.time())
        unwell = gate.Gate(kept.settings, PROGRAM).unwell()
        phase = Phase(PLAY, ring.release, ring.commit, now, reading, critical, uplink, unwell)
        resume.arm(kept.settings)
        self.remember(phase=phase)
        return phase

    def _wanted(self) -> dict[str, bool | None]:
        """Return the appliance's units and whether each is wanted up.

        None: a job, which comes and goes. A service that just starts, or fails, is wanted.
        """
        entries = {entry.unit for entry in services.read_all(services.DIRECTORY).entries.values()}
        names = {name for name in entries if name.endswith(".service")}
        for kind in KINDS:
            paths = resume.DIRECTORY.glob(f"*.{kind}")
            names |= {one.name for one in paths if one.name.startswith(OURS) and one.is_file()}
        names -= {"hems-update.service", resume.UNIT, "NetworkManager.service"}
        found = units(sorted(names)).items()
        wanted = {
            name: unit.is_up or (None if unit.active != "inactive" else False)
            for name, unit in found
        }
        return wanted | {name: True for name in entries & set(wanted) if wanted[name] is None}

    def _wait(self, phase: Phase, took: float) -> str:
        judge = gate.Gate(self.snapshot().settings, PROGRAM)
        since, seconds = time.time(), gate.limit(self.options.patience, took)
        return gate.wait_until_well(lambda: judge.problems(phase, since), seconds, self._busy)

    def _undo(self, phase: Phase, reason: str, *, blame: bool) -> None:
        """Go back to what was, and see that it is well."""
        undoing = self._give_up(phase, reason, blame=blame)
        with self._locked():
            self._put_back(self.snapshot())
        self._end_undo(undoing)

    def _give_up(self, phase: Phase, reason: str, *, blame: bool) -> Phase:
        """Remember that a release is undone, and why; return the phase that begins.

        Remembered first: whatever happens from here on, a release to blame is not tried again.
        """
        bad = {**self.state.bad, phase.commit: reason} if blame else self.state.bad
        undoing = msgspec.structs.replace(phase, step=UNDO, reason=reason)
        self.snapshot().make_room()
        self.remember(bad=bad, phase=undoing)
        print(f"{phase.release} is undone: {reason}", flush=True)
        return undoing

    def _put_back(self, kept: Snapshot) -> None:
        kept.put_back([name for name, wanted in self._wanted().items() if wanted])

    def _end_undo(self, phase: Phase) -> None:
        """See that what was put back is well, and say so."""
        wrong = self._wait(phase, gate.MOST)
        end = f", but the box is not well: {wrong}" if wrong else "; the box is as it was and well"
        self.remember(phase=None)
        resume.disarm()
        self.snapshot().drop()
        shutil.rmtree(self.releases / phase.release, ignore_errors=True)
        blamed = phase.commit in self.state.bad
        sentence = f"{phase.release} was undone, as {phase.reason}{end}."
        self.say(sentence, problem=blamed or bool(wrong))

    def _commit(self, phase: Phase, took: float) -> None:
        os.sync()  # what was installed must not be lost by a power cut once it is called installed
        ending = Phase(COMMIT, phase.release, phase.commit, phase.begun)
        self.remember(phase=ending, release=phase.release, commit=phase.commit, seconds=took)
        self._end_commit(phase.release)

    def _end_commit(self, release: str) -> None:
        resume.disarm()
        self.snapshot().drop()
        for old in self.releases.iterdir():
            if old.name != release:
                shutil.rmtree(old, ignore_errors=True)
        self.remember(phase=None)
        self.say(f"This box is on {release} now.")

    def finish(self) -> None:
        """End an update that was interrupted: by a power cut, or because the updater died."""
        phase = self.state.phase
        if phase is None:
            with suppress(OSError):
                resume.disarm()
            self.snapshot().drop()  # the power went between the end and the tidying up
            return
        if phase.step == COMMIT:
            self._end_commit(phase.release)
            return
        if phase.step == UNDO:
            self._undo(phase, phase.reason, blame=False)
            return
        # Whose fault it was is not known: the release gets another try, but not for ever.
        cuts = self.state.cuts.get(phase.commit, 0) + 1
        self.remember(cuts={**self.state.cuts, phase.commit: cuts})
        times = "once" if cuts == 1 else f"{cuts} times"
        self._undo(phase, f"it was interrupted {times}", blame=cuts >= CUTS)


def main(directory: Path = settings.DIRECTORY) -> Updater:
    """Return an updater with the settings in a directory.

    Raises HemsError when the box takes no releases.
    """
    if not (directory / update_settings.FILE).exists():
        raise HemsError(
            "This box takes no releases by itself: set self_update_url in the inventory and run "
            "the whole playbook (docs/update.md)."
        )
    return Updater(update_settings.read(directory), settings.appliance(directory))
