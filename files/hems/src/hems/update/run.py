"""The phases of an update: look → verify → snapshot → play → gate → commit or undo."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path

import msgspec

from hems import HemsError, lock, systemd
from hems.settings import Appliance
from hems.update import gate, own_units, packages, play, resume, system_update
from hems.update.change import Change
from hems.update.core import Ring
from hems.update.git import Source
from hems.update.look import Looker
from hems.update.snapshot import DATABASES, Service, Snapshot
from hems.update.state import COMMIT, CUTS, PLAY, RESTART, RESTART_UNDONE, UNDO, Phase, load
from hems.update.update_settings import Update

FREE = 1024**3  # bytes that must stay free
LEAST_PLAY = 3600.0  # seconds
LOCK_SECONDS = 600.0  # a play or a backup may be at work
LOCK = "update.lock"
WORK = "update"  # what the appliance's lock is held for
PROGRAM = Path("/usr/local/bin/hems")  # of whatever release is current


class Updater(Looker):
    """One run of ``hems update``."""

    def __init__(self, options: Update, appliance: Appliance) -> None:
        super().__init__(options)
        self.appliance = appliance
        self._restarting = appliance.paths.root_run / "update-restarting"  # gone with the boot

    @contextmanager
    def alone(self, wait_seconds: float = 0.0) -> Iterator[None]:
        """Be the only one who updates. Raises LockedError."""
        path = self.appliance.paths.root_run / LOCK
        with lock.appliance_lock(path, "update", wait_seconds=wait_seconds):
            self.state = load(self.directory)
            yield

    def update(self, source: Source, *, scheduled: bool) -> int:
        """Take what there is, unless the site is held; 0 when all is well. Raises OSError."""
        if (code := self.excused()) is not None:
            return code
        if scheduled and not self.options.window.holds(gate.local_hour(time.time())):
            return 0
        before, code = self.state.release, self.look(source)
        # one at a time, and this program is of the release before
        if self.state.release != before or source != self.options.server.source:
            return code
        return max(code, system_update.look(self, time.time()))

    def excused(self) -> int | None:
        """Return the exit code where nothing may be taken now: it is held, or one is under way."""
        if self.state.phase and not self._ended():
            return 1
        if self.state.hold:
            why = f"{self.state.hold.why} ({self.state.hold.by}, {self.state.hold.since})"
            self.say(f"Held: {why}; 'sudo hems update release' lets it go on.")
            return 0
        return None

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
        """Play a verified release; 0 when all is well."""
        most = max(LEAST_PLAY, 4 * self.state.seconds)
        work = partial(play.play, self.options, checkout, most, WORK)
        return self.change(Change(ring.release, ring.commit, work), now)

    def change(self, change: Change, now: float) -> int:
        """Take a snapshot, do it, look whether all is well; else undo it. 0: all is well."""
        kept = self.snapshot()
        need = 2 * kept.size() + FREE + change.space
        free = shutil.disk_usage(self.directory).free
        if free < need:
            sentence = f"{change.name} needs {need >> 20} MiB free, and there are {free >> 20} MiB"
            self.say(f"{sentence}: make room on the card.", problem=True)
            return 1
        try:
            with self._locked():
                phase = self._begin(kept, change, now)
                if phase is None:
                    return 1
                print(f"{change.name}: being installed", flush=True)
                begun = time.monotonic()
                wrong = change.work()
                took = time.monotonic() - begun
                if wrong:  # nobody else's work may come in between
                    phase = self._give_up(phase, wrong, blame=True)
                    self._put_back(kept)
        except lock.LockedError as error:
            self.say(f"{change.name} is not taken yet, but at a later look: {error}")
            return 1
        if wrong:
            self._end_undo(phase)
            return 1
        if phase.packages and packages.wants_restart(phase.packages):
            self._restart(phase, RESTART)
            return 0
        return self._judge(phase, took)

    def _judge(self, phase: Phase, took: float) -> int:
        """Look whether all is well, ``took`` seconds of change ago; keep or undo it."""
        print(f"{phase.release}: looking whether all is well, after {took:.0f} s", flush=True)
        wrong = self._wait(phase, took)
        if wrong:
            self._undo(phase, wrong, blame=True)
            return 1
        self._commit(phase, took)
        return 0

    def _restart(self, phase: Phase, step: str) -> None:
        """Restart the box; the unit that ends interrupted updates goes on from there."""
        self.remember(phase=msgspec.structs.replace(phase, step=step))
        self._restarting.touch()
        print(f"{phase.release}: restarting the box", flush=True)
        os.sync()
        systemd.reboot()

    def _locked(self) -> AbstractContextManager[object]:
        """Have nobody else work on the box."""
        path = self.appliance.paths.lock
        return lock.appliance_lock(path, WORK, wait_seconds=LOCK_SECONDS)

    def _busy(self) -> bool:
        """Whether somebody else works on the box."""
        return lock.holder(self.appliance.paths.lock) is not None

    def _begin(self, kept: Snapshot, change: Change, now: float) -> Phase | None:
        """Keep what is there, and remember that an update is under way; None: it can't be kept."""
        print(f"{change.name}: taking a snapshot", flush=True)
        try:
            kept.take(own_units.wanted(), change.packages)
        except (HemsError, OSError) as error:
            kept.drop()
            self.say(f"{change.name} is not taken, as nothing can be kept: {error}", problem=True)
            return None
        reading, critical, uplink = gate.before(self.appliance, time.time())
        unwell = gate.Gate(kept.settings, PROGRAM).unwell()
        phase = Phase(
            PLAY,
            change.name,
            change.commit,
            now,
            reading,
            critical,
            uplink,
            unwell,
            packages=tuple(map(str, change.packages)),
        )
        resume.arm(kept.settings)
        self.remember(phase=phase)
        return phase

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
        undoing = msgspec.structs.replace(phase, step=UNDO, reason=reason)
        self.snapshot().make_room()
        if blame:
            self.state = self.state.blaming(phase, reason)
        self.remember(phase=undoing)
        print(f"{phase.release} is undone: {reason}", flush=True)
        return undoing

    def _put_back(self, kept: Snapshot) -> None:
        kept.put_back([name for name, wanted in own_units.wanted().items() if wanted])

    def _end_undo(self, phase: Phase) -> None:
        """See that what was put back is well, and say so."""
        if phase.step == UNDO and phase.packages and packages.wants_restart(phase.packages):
            self._restart(phase, RESTART_UNDONE)
            return
        wrong = self._wait(phase, gate.MOST)
        end = f", but the box is not well: {wrong}" if wrong else "; the box is as it was and well"
        self.remember(phase=None)
        resume.disarm()
        self.snapshot().drop()
        if not phase.packages:
            shutil.rmtree(self.releases / phase.release, ignore_errors=True)
        if wrong and phase.uplink and not gate.is_online(self.appliance):
            self.state = self.state.absolving(phase)  # it is still away without it
            end += "; it is tried again later"
        blamed = phase.commit in self.state.bad or bool(phase.packages)
        sentence = f"{phase.release} was undone, as {phase.reason}{end}."
        if phase.packages:
            self.remember(packages=sentence)
        self.say(sentence, problem=blamed or bool(wrong))

    def _commit(self, phase: Phase, took: float) -> None:
        os.sync()  # what was installed must not be lost by a power cut once it is called installed
        phase = msgspec.structs.replace(phase, step=COMMIT)
        if phase.packages:
            count = f"{len(phase.packages)} package{'s' * (len(phase.packages) > 1)}"
            self.remember(phase=phase, packages=f"{phase.release} is installed ({count}).")
        else:
            taken = {"release": phase.release, "commit": phase.commit, "seconds": took}
            self.remember(phase=phase, **taken, cuts={})  # no older release comes again
        self._end_commit(phase)

    def _end_commit(self, phase: Phase) -> None:
        resume.disarm()
        self.snapshot().drop()
        if phase.packages:
            self.remember(phase=None)
            self.say(self.state.packages)
            return
        for old in self.releases.iterdir():
            if old.name != phase.release:
                shutil.rmtree(old, ignore_errors=True)
        self.remember(phase=None)
        self.say(f"This box is on {phase.release} now.")

    def finish(self) -> None:
        """End an update that was interrupted: by a power cut, or because the updater died."""
        phase = self.state.phase
        if phase is None:
            with suppress(OSError):
                resume.disarm()
            self.snapshot().drop()  # the power went between the end and the tidying up
            return
        if phase.step == COMMIT:
            self._end_commit(phase)
            return
        if phase.step in (RESTART, RESTART_UNDONE) and self._restarting.exists():
            self._restart(phase, phase.step)  # it did not go down
            return
        if phase.step == RESTART_UNDONE:
            self._end_undo(phase)
            return
        if phase.step == UNDO:
            self._undo(phase, phase.reason, blame=False)
            return
        self.snapshot().make_room()  # a full disk takes no note of anything
        # Whose fault it was is not known: the release gets another try, but not for ever.
        cuts = self.state.cuts.get(phase.commit, 0) + 1
        self.remember(cuts={**self.state.cuts, phase.commit: cuts})
        if phase.step == RESTART and cuts <= CUTS:  # each boot is one: the first is no cut
            self._judge(phase, gate.MOST)
            return
        times = "once" if cuts == 1 else f"{cuts} times"
        self._undo(phase, f"it was interrupted {times}", blame=cuts >= CUTS)
