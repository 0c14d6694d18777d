"""The phases of an update: look → verify → snapshot → play → gate → commit or undo."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
PLAY_LOCK = "hems-lock-play.service"  # of a play that died, or was ended


class Updater(Looker):
    """One run of ``hems update``."""

    def __init__(self, options: Update, appliance: Appliance) -> None:
        super().__init__(options)
        self.appliance = appliance

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who updates. Raises LockedError."""
        with lock.appliance_lock(self.appliance.paths.root_run / LOCK, "update"):
            self.state = load(self.directory)
            yield

    def update(self, source: Source, *, scheduled: bool) -> int:
        """Look, unless the site is held; 0 when all is well. Raises OSError."""
        if self.state.phase:
            self.finish()
        if self.state.hold:
            why = f"{self.state.hold.why} ({self.state.hold.by}, {self.state.hold.since})"
            self.say(f"Held: {why}; 'sudo hems update release' lets it go on.")
            return 0
        if scheduled and not self.options.window.holds(gate.local_hour(time.time())):
            return 0
        return self.look(source)

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
        print(f"{ring.release}: taking a snapshot", flush=True)
        with lock.appliance_lock(self.appliance.paths.lock, "update", wait_seconds=LOCK_SECONDS):
            try:
                kept.take(self._units())
            except (HemsError, OSError) as error:
                kept.drop()
                self.say(
                    f"{ring.release} is not taken, as nothing can be kept: {error}", problem=True
                )
                return 1
        reading, critical, uplink = gate.before(self.appliance, time.time())
        phase = Phase(PLAY, ring.release, ring.commit, now, reading, critical, uplink)
        resume.arm(kept.settings())
        self.remember(phase=phase)
        print(f"{ring.release}: running its playbook", flush=True)
        begun = time.monotonic()
        wrong = play.play(self.options, checkout, max(LEAST_PLAY, 4 * self.state.seconds))
        took = time.monotonic() - begun
        if not wrong:
            print(f"{ring.release}: looking whether all is well, after {took:.0f} s", flush=True)
            wrong = self._wait(phase, took)
        if wrong:
            self._undo(phase, wrong, blame=True)
            return 1
        self._commit(phase, took)
        return 0

    def _units(self) -> list[str]:
        """Return the services that are up and ours: those with an entry, and the daemons."""
        names = {entry.unit for entry in services.read_all(services.DIRECTORY).entries.values()}
        names |= {path.name for path in Path("/etc/systemd/system").glob("hems-*.service")}
        names -= {"hems-update.service", resume.UNIT}
        names = {name for name in names if name.endswith(".service") and "NetworkMan" not in name}
        return sorted(name for name, unit in units(names).items() if unit.active == "active")

    def _wait(self, phase: Phase, took: float) -> str:
        directory = self.snapshot().settings()
        judge = gate.Gate(directory, Path("/usr/local/bin/hems"))
        since, seconds = time.time(), gate.limit(self.options.patience, took)
        return gate.wait_until_well(lambda: judge.problems(phase, since), seconds)

    def _undo(self, phase: Phase, reason: str, *, blame: bool) -> None:
        """Go back to what was, and see that it is well."""
        bad = {**self.state.bad, phase.commit: reason} if blame else self.state.bad
        # Remembered first: whatever happens from here on, this release is not tried again.
        undoing = Phase(
            UNDO,
            phase.release,
            phase.commit,
            phase.begun,
            phase.reading,
            phase.critical,
            phase.uplink,
            reason,
        )
        self.remember(bad=bad, phase=undoing)
        print(f"{phase.release} is undone: {reason}", flush=True)
        kept = self.snapshot()
        subprocess.run(["systemctl", "stop", PLAY_LOCK], check=False, stderr=subprocess.DEVNULL)
        with lock.appliance_lock(self.appliance.paths.lock, "update", wait_seconds=LOCK_SECONDS):
            kept.put_back()
        wrong = self._wait(undoing, gate.MOST)
        end = f", but the box is not well: {wrong}" if wrong else "; the box is as it was and well"
        self.remember(phase=None)
        resume.disarm()
        kept.drop()
        shutil.rmtree(self.releases / phase.release, ignore_errors=True)
        blamed = blame or phase.commit in self.state.bad
        self.say(f"{phase.release} was undone, as {reason}{end}.", problem=blamed or bool(wrong))

    def _commit(self, phase: Phase, took: float) -> None:
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
